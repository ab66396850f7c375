"""The official emulators as context managers: on a free port, ready when entered, gone when left."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import ClassVar, Self

from tidegate.errors import TidegateError
from tidegate_ops.cloud_sdk import Jar, Missing, find_jar, find_java, find_missing
from tidegate_ops.processes import ManagedProcess, ProcessFailed, answers
from tidegate_ops.tcp_ports import held_ports

__all__ = ["EmulatorsMissing", "FirestoreEmulator", "Missing", "PubSubEmulator", "find_missing"]

DEFAULT_PROJECT = "tidegate-local"
_READY_SECONDS = 120  # a machine under load may take most of it
_PORT_TRIES = 3
# Small and quick to start: neither emulator lives long enough for the optimizing compiler to pay.
# English, so that an occupied port is recognised.
_JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.language=en")
_HEAP_MB = 256


class EmulatorsMissing(TidegateError):
    """The emulators cannot start on this machine; the message says what to install.

    Attributes:
        missing: each thing that is missing, with the command that installs it.
    """

    def __init__(self, missing: list[Missing]) -> None:
        super().__init__("\n".join(str(each) for each in missing))
        self.missing = missing


class _Emulator:
    """One emulator: the jar itself, since gcloud's wrapper is slow and leaves a parent behind.

    ``start`` and ``wait_ready`` are apart so that several can start side by side. What it holds has to fit
    into ``heap_mb``.
    """

    jar: ClassVar[Jar]

    def __init__(
        self,
        *,
        project: str = DEFAULT_PROJECT,
        on_line: Callable[[str], None] | None = None,
        heap_mb: int = _HEAP_MB,
    ) -> None:
        self.project = project
        self.host = ""
        self._heap = f"-Xmx{heap_mb}m"
        self._on_line = on_line
        self._port = 0
        self._port_taken = False
        self._hold = ExitStack()
        self._process: ManagedProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process's id; None when it is not started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it on a free port.

        Raises:
            EmulatorsMissing: Java or the jar is not installed.
        """
        java, jar = find_java(), find_jar(self.jar)
        if java is None or jar is None:
            raise EmulatorsMissing(find_missing())
        [self._port] = self._hold.enter_context(held_ports(1))
        self.host = f"127.0.0.1:{self._port}"
        self._port_taken = False
        command = [
            java,
            *_JAVA_OPTIONS,
            self._heap,
            "-cp",
            str(jar),
            self.jar.main_class,
            "--host=127.0.0.1",
            f"--port={self._port}",
        ]
        self._process = ManagedProcess(self.jar.label, command, on_line=self._note)
        self._process.start()

    def wait_ready(self) -> None:
        """Return once it answers; on another port than at first, if somebody else won that one.

        Raises:
            ProcessFailed: it did not come up; the message holds what it wrote.
        """
        for _ in range(_PORT_TRIES - 1):
            with suppress(_PortTaken):
                return self._wait_once()
            self.stop()
            self.start()
        return self._wait_once()

    def stop(self) -> None:
        """End it; harmless when it never started."""
        with self._hold:
            if self._process:
                self._process.stop()

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        if self._process:
            self._process.terminate()

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_once(self) -> None:
        assert self._process is not None
        try:
            self._process.wait_ready(lambda: self._port_taken or self._is_ready(), _READY_SECONDS)
        except ProcessFailed as error:
            if not self._port_taken:
                raise
            raise _PortTaken(str(error), ()) from None
        if self._port_taken:
            raise _PortTaken(f"{self.jar.label} cannot use {self.host}:", self._process.last_lines)

    def _is_ready(self) -> bool:
        # Whoever won the port may be an emulator as well.
        return answers(self.host) and self._process is not None and self._process.listens(self._port)

    def _note(self, line: str) -> None:
        # The Pub/Sub emulator only writes this and stays up without serving; the other one ends.
        if "Address already in use" in line:
            self._port_taken = True
        if self._on_line:
            self._on_line(line)


class _PortTaken(ProcessFailed):
    """Another process won the port between looking and binding."""


class PubSubEmulator(_Emulator):
    """A Pub/Sub emulator, empty at the start; ``host`` is what PUBSUB_EMULATOR_HOST wants."""

    jar = Jar.PUBSUB


class FirestoreEmulator(_Emulator):
    """A Firestore emulator, empty at the start; ``host`` is what FIRESTORE_EMULATOR_HOST wants."""

    jar = Jar.FIRESTORE
