"""Breakers: a host that keeps failing is left alone, probed, and welcome again."""

from contextlib import suppress

import pytest

from functions.webhooks import breakers
from functions.webhooks.breakers import Breakers, Suspended

HOST = "hooks.example.com"


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def hosts(clock: Seconds) -> Breakers:
    return Breakers(clock)


def call(hosts: Breakers, *, healthy: bool, host: str = HOST) -> None:
    with hosts.call(host) as each:
        each.healthy = healthy


def fail(hosts: Breakers, times: int, host: str = HOST) -> None:
    for _ in range(times):
        call(hosts, healthy=False, host=host)


def test_four_failures_change_nothing(hosts: Breakers) -> None:
    """A host may fail now and then."""
    fail(hosts, 4)
    call(hosts, healthy=True)


def test_five_failures_in_a_row_suspend_a_host(hosts: Breakers) -> None:
    """Further calls fail before they are made; the message says for how long."""
    fail(hosts, 5)
    with pytest.raises(Suspended, match=r"hooks\.example\.com failed 5 times in a row: .* 30 s more"):
        call(hosts, healthy=True)


def test_a_success_between_starts_the_count_anew(hosts: Breakers) -> None:
    """Only failures in a row count."""
    fail(hosts, 4)
    call(hosts, healthy=True)
    fail(hosts, 4)
    call(hosts, healthy=True)


def test_other_hosts_are_not_concerned(hosts: Breakers) -> None:
    """One receiver's trouble is nobody else's."""
    fail(hosts, 5)
    call(hosts, healthy=True, host="other.example.com")


def test_an_exception_is_a_failure(hosts: Breakers) -> None:
    """Whatever ends a call before it is marked as healthy."""
    for _ in range(5):
        with suppress(OSError), hosts.call(HOST):
            raise OSError
    with pytest.raises(Suspended):
        call(hosts, healthy=True)


def test_one_probe_after_the_cool_down(hosts: Breakers, clock: Seconds) -> None:
    """Not a moment earlier, and only one at a time; its success opens the way to everybody."""
    fail(hosts, 5)
    clock.now += 29.9
    with pytest.raises(Suspended):
        call(hosts, healthy=True)
    clock.now += 0.1
    with hosts.call(HOST) as probe:
        with pytest.raises(Suspended, match="one call is finding out"):
            call(hosts, healthy=True)
        probe.healthy = True
    fail(hosts, 4)
    call(hosts, healthy=True)


def test_each_failed_probe_doubles_the_cool_down(hosts: Breakers, clock: Seconds) -> None:
    """From 30 seconds to 10 minutes; a success brings it back to 30 seconds."""
    fail(hosts, 5)
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        clock.now += seconds - 1
        with pytest.raises(Suspended):
            call(hosts, healthy=True)
        clock.now += 1
        call(hosts, healthy=False)
    clock.now += 600
    call(hosts, healthy=True)
    fail(hosts, 5)
    clock.now += 30
    call(hosts, healthy=True)


def test_calls_under_way_at_the_opening_do_not_prolong_it(hosts: Breakers, clock: Seconds) -> None:
    """Ten calls that fail together are one reason to wait, not six."""
    calls = [hosts.call(HOST) for _ in range(10)]
    for each in calls:
        each.__enter__()
    for each in calls:
        each.__exit__(None, None, None)
        clock.now += 1
    clock.now += 30 - 6
    call(hosts, healthy=True)


def test_memory_is_bounded(hosts: Breakers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many failing hosts the oldest is forgotten, and is as good as new."""
    monkeypatch.setattr(breakers, "HOSTS", 2)
    for host in ("a.example", "b.example", "c.example"):
        fail(hosts, 5, host)
    call(hosts, healthy=True, host="a.example")
    for host in ("b.example", "c.example"):
        with pytest.raises(Suspended):
            call(hosts, healthy=True, host=host)
