"""Breaks a running stack at random, about once a second, until it is told to stop."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from random import Random
from types import TracebackType
from typing import Self

from tests.acceptance.tcp_proxy import TcpProxy
from tidegate_ops.cloud_sdk import Jar
from tidegate_ops.local_stack import LocalStack, Step
from tidegate_ops.processes import ProcessFailed
from tidegate_ops.project import Project

_PAUSE_SECONDS = 1.0
_CUT_SHARE = 0.2
_MASTER_SHARE = 0.1


class Chaos:
    """While entered, kills a function's process or cuts the emulators' connections every second.

    Attributes:
        kills, cuts: how often it did.
    """

    def __init__(self, stack: LocalStack, proxies: list[TcpProxy], random: Random) -> None:
        self.kills = 0
        self.cuts = 0
        self._stack = stack
        self._proxies = proxies
        self._random = random
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            if self._random.random() < _CUT_SHARE:
                self.cuts += self._random.choice(self._proxies).cut()
            else:
                self._kill()

    def _kill(self) -> None:
        name = self._random.choice(sorted(self._stack.state.functions))
        # The process may have died of the last kill and not be replaced yet.
        with suppress(ProcessLookupError, ProcessFailed):
            self._stack.kill_function(name, signal.SIGKILL, worker=self._random.random() >= _MASTER_SHARE)
            self.kills += 1


@contextmanager
def breakable(
    project: Project, environment: Mapping[str, str], on_line: Callable[[str, str], None]
) -> Iterator[tuple[LocalStack, list[TcpProxy]]]:
    """The project's stack while it runs, and the proxies by which its functions reach the emulators."""
    with TcpProxy() as pubsub, TcpProxy() as store:
        proxies = {Jar.PUBSUB.label: pubsub, Jar.FIRESTORE.label: store}

        def aim(step: Step) -> None:
            # The functions start after the emulators: by then the proxies know where those are.
            if step.done and step.component in proxies:
                proxies[step.component].target = step.state

        hosts = {"PUBSUB_EMULATOR_HOST": pubsub.host, "FIRESTORE_EMULATOR_HOST": store.host}
        with LocalStack(project, environment={**environment, **hosts}, on_line=on_line, on_step=aim) as stack:
            yield stack, [pubsub, store]
