"""Ports that are kept for somebody else."""

import socket
import sys
from contextlib import closing

import pytest

from tidegate_ops.processes import answers
from tidegate_ops.tcp_ports import free_ports, held_ports


def test_ports_differ_and_answer_nobody() -> None:
    """Those that are asked for together are different ones, and nothing listens there."""
    with held_ports(20) as ports:
        assert len(set(ports)) == 20
        assert not answers(f"127.0.0.1:{ports[0]}")


def test_a_server_gets_a_held_port_each_time_it_starts() -> None:
    """Holding it is in nobody's way who was told of it."""
    with held_ports(1) as [port]:
        for _ in range(2):
            with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
                pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be held for another process")
def test_nobody_else_gets_a_held_port() -> None:
    """Neither who asks for any port nor who happens to ask for this one."""
    with held_ports(1) as [port], closing(socket.socket()) as other:
        assert port not in free_ports(500)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
