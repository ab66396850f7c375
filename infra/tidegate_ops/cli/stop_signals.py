"""Ending a command that runs other processes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal raise KeyboardInterrupt, once: another must not cut clean-up short."""

    def ignore(number: int, frame: object) -> None:
        """A handler rather than SIG_IGN, which child processes would inherit."""

    def stop(number: int, frame: object) -> None:
        for each in _STOPPING:
            signal.signal(each, ignore)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in _STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
