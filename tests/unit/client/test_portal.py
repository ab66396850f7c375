"""Event loops in threads of their own, and how they end."""

import signal
import threading
from collections.abc import Awaitable, Callable

import anyio
import pytest
from anyio.from_thread import BlockingPortal
from pytest_mock import MockerFixture

from tidegate.client.portal import open_portal

NAME = "sample-portal"


def portals() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == NAME]


def test_it_calls_in_its_thread_and_ends_with_the_block() -> None:
    """What is called runs in the loop's thread; afterwards there is none."""
    with open_portal(NAME) as portal:
        assert portal.call(threading.current_thread) in portals()
    assert portals() == []


def test_an_error_ends_what_still_runs() -> None:
    """Without one, leaving waits for it."""
    running = []

    def fail(portal: BlockingPortal) -> None:
        running.append(portal.start_task_soon(anyio.sleep_forever))
        raise LookupError

    with pytest.raises(LookupError), open_portal(NAME) as portal:
        fail(portal)
    assert running[0].cancelled()
    assert portals() == []


def test_a_loop_that_cannot_start_is_an_error(mocker: MockerFixture) -> None:
    """Rather than waited for."""
    mocker.patch("anyio.run", side_effect=OSError("too many open files"))
    with pytest.raises(OSError, match="too many"), open_portal(NAME):
        pass


def test_an_interrupt_while_it_starts_ends_it(mocker: MockerFixture) -> None:
    """Ctrl-C is answered at once, however long the loop still takes to start; then the loop ends by itself."""
    run, left, in_time = anyio.run, threading.Event(), []

    def slow_run(serve: Callable[[], Awaitable[None]]) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        in_time.append(left.wait(10))
        if not in_time[0]:
            raise TimeoutError
        run(serve)

    mocker.patch("anyio.run", slow_run)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt), open_portal(NAME):
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    left.set()
    for each in portals():
        each.join(10)
    assert (in_time, portals()) == ([True], [])
