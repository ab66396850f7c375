"""One function's process, and when it is ready."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pytest_mock import MockerFixture

from tidegate_ops.function_service import FunctionService, Source
from tidegate_ops.processes import ProcessFailed, answers


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def rival() -> Iterator[int]:
    """Somebody else's function that is ready at the port."""
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_another_process_at_its_port_is_not_this_function(rival: int, tmp_path: Path, mocker: MockerFixture) -> None:
    """Though it answers; the function, which cannot listen there, is said to have ended."""
    command = [sys.executable, "-c", "raise SystemExit('Connection in use')"]
    mocker.patch("tidegate_ops.function_service._command", return_value=command)
    source = Source(tmp_path, tmp_path, tmp_path)
    service = FunctionService("pack_order", source, port=rival, environment={}, on_line=lambda line: None)
    assert answers(f"127.0.0.1:{rival}")
    with service.process, pytest.raises(ProcessFailed, match="Connection in use"):
        service.wait_ready()
