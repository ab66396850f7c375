"""TCP ports of the loopback, for other processes to listen on."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

_HOST = "127.0.0.1"


@contextmanager
def held_ports(count: int) -> Iterator[list[int]]:
    """Different ports that nobody used a moment ago; inside the block, Linux chooses none of them for anybody else.

    Who binds one of them by its number and with SO_REUSEADDR, as servers do, gets it all the same, again and again:
    of several sockets at a port one may listen, and ours does not. Elsewhere they are free, and another process may
    win one.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind((_HOST, 0))
        ports = [each.getsockname()[1] for each in sockets]
        if sys.platform != "linux":
            held.close()
        yield ports


def free_ports(count: int) -> list[int]:
    """Different ports that nobody used a moment ago; another process may still win one."""
    with held_ports(count) as ports:
        return ports
