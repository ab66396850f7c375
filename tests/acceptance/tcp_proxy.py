"""A TCP proxy whose connections can be cut, to see what a broken network does."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_BYTES = 65_536


class TcpProxy:
    """While entered, passes bytes between whoever connects to `host` and ``target``.

    ``target`` may be set later than the proxy is entered: it is looked up at each connection.
    """

    def __init__(self) -> None:
        self.target = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closing = False

    @property
    def host(self) -> str:
        """``address:port`` to connect to."""
        address, port = self._listener.getsockname()[:2]
        return f"{address}:{port}"

    def cut(self) -> int:
        """Break every connection at once, as a failing network does; returns how many there were."""
        with self._lock:
            broken = list(self._open)
            self._open.clear()
        for each in broken:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(broken) // 2

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="tcp-proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                address, _, port = self.target.rpartition(":")
                server = socket.create_connection((address, int(port)))
            except (OSError, ValueError):
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        """Copy until either end is closed, then close both."""
        with suppress(OSError):
            while data := source.recv(_BYTES):
                sink.sendall(data)
        with self._lock:
            self._open -= {source, sink}
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
