"""What keeps strangers out: foreign pages, foreign addresses, and those without the password."""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPERATOR = "tidegate.operator"
"""Where a request's scope says who asks, once that is known."""

POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("connect", "img", "script", "style")),
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        # One place alone makes markup out of text: where a stream's fragments come in.
        "require-trusted-types-for 'script'",
        "trusted-types live",
    ]
)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # without any, browsers send forms from "null"
    "X-Content-Type-Options": "nosniff",
}
_READING = ("GET", "HEAD", "OPTIONS")


class SecurityHeaders:
    """Adds `HEADERS` to every response of the application inside; what that says itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses whatever would change something and does not come from a page of the console itself.

    Browsers say where a request comes from, and let no page lie about it; who says nothing is refused as well.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _READING and not _is_own(Headers(scope=scope)):
            refusal = PlainTextResponse("This was not sent by a page of this console: nothing was done.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Password:
    """Asks for a password (RFC 7617). The name that comes with it is that of the operator, and not checked."""

    def __init__(self, app: ASGIApp, password: str) -> None:
        self._app = app
        self._password = password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, password = _credentials(Headers(scope=scope))
        if name and hmac.compare_digest(password, self._password):
            await self._app({**scope, OPERATOR: name}, receive, send)
            return
        headers = {"WWW-Authenticate": 'Basic realm="Tidegate console", charset="UTF-8"'}
        answer = PlainTextResponse("Give your name and the console's password.\n", 401, headers)
        await answer(scope, receive, send)


def _is_own(headers: Mapping[str, str]) -> bool:
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin", "")  # is all that there is where the address is not trustworthy to the browser
    return bool(origin) and urlsplit(origin).netloc == headers.get("host")


def _credentials(headers: Mapping[str, str]) -> tuple[str, bytes]:
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(text, validate=True).partition(b":")
        return name.decode(), password
    except ValueError:
        return "", b""
