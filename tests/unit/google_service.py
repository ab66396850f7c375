"""A server in place of Google's APIs over HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession


@dataclass(frozen=True)
class Asked:
    """One request, with its parameters and its JSON."""

    path: str
    parameters: dict[str, list[str]]
    body: Any = None


@dataclass
class GoogleService:
    """Answers each request with ``status`` and what ``answer`` makes of it; ``asked`` are all requests."""

    status: int = 200
    answer: Callable[[Asked], object] = lambda asked: {}
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @property
    def session(self) -> AuthorizedSession:
        """One that signs as nobody."""
        session = AuthorizedSession(AnonymousCredentials())  # type: ignore[no-untyped-call]
        session.trust_env = False
        return session

    def take(self, asked: Asked) -> bytes:
        self.asked.append(asked)
        found = self.answer(asked)
        return found if isinstance(found, bytes) else json.dumps(found).encode()


@contextmanager
def google_service() -> Iterator[GoogleService]:
    """The server, while entered."""
    service = GoogleService()

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: Any) -> None:
            parts = urlsplit(self.path)
            text = service.take(Asked(parts.path, parse_qs(parts.query), body))
            self.send_response(service.status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
