"""The official emulators start on free ports and leave nothing behind."""

import socket
from contextlib import closing, nullcontext
from itertools import chain, repeat, starmap

import psutil
import pytest
from pytest_mock import MockerFixture

from tidegate_ops.emulators import FirestoreEmulator, PubSubEmulator
from tidegate_ops.processes import ProcessFailed, answers
from tidegate_ops.tcp_ports import held_ports

EMULATORS = [PubSubEmulator, FirestoreEmulator]

pytestmark = pytest.mark.usefixtures("emulators_installed")


def runs(pid: int | None) -> bool:
    return pid is not None and psutil.pid_exists(pid)


def can_bind(host: str) -> bool:
    address, _, port = host.partition(":")
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, int(port)))
        return True


@pytest.mark.parametrize("emulator_type", EMULATORS)
def test_ready_inside_and_gone_after(emulator_type: type[PubSubEmulator | FirestoreEmulator]) -> None:
    """An emulator answers as soon as it is entered; afterwards its process is gone and its port free."""
    with emulator_type() as emulator:
        assert answers(emulator.host)
        assert runs(emulator.pid)
    assert not runs(emulator.pid)
    assert can_bind(emulator.host)


@pytest.mark.parametrize("emulator_type", EMULATORS)
def test_a_lost_race_for_the_port_is_run_again(
    emulator_type: type[PubSubEmulator | FirestoreEmulator], mocker: MockerFixture
) -> None:
    """If somebody else takes the port in between, the emulator starts on another."""
    with closing(socket.socket()) as rival:
        rival.bind(("127.0.0.1", 0))
        taken = rival.getsockname()[1]
        ports = chain([nullcontext([taken])], starmap(held_ports, repeat((1,))))
        mocker.patch("tidegate_ops.emulators.held_ports", side_effect=ports)
        with emulator_type() as emulator:
            assert answers(emulator.host)
            assert not emulator.host.endswith(f":{taken}")


def test_a_failed_start_says_what_the_emulator_said(mocker: MockerFixture) -> None:
    """The error holds the emulator's own words, and no process stays."""
    mocker.patch("tidegate_ops.emulators.held_ports", return_value=nullcontext([99999999]))
    emulator = FirestoreEmulator()
    with pytest.raises(ProcessFailed, match="ended before it was ready") as caught, emulator:
        pass
    assert caught.value.output
    assert not runs(emulator.pid)
