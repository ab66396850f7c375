"""The whole application on one machine: emulators, functions, subscriptions."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tidegate.errors import TidegateError
from tidegate.function_config import deployed_name
from tidegate.log_settings import DATA_VARIABLE, SHARES_VARIABLE
from tidegate.settings import CONFIG_VARIABLE
from tidegate.topology import Topology
from tidegate_ops.broker import LocalBroker
from tidegate_ops.bundle import bundle, stage
from tidegate_ops.cloud_sdk import Jar
from tidegate_ops.emulators import DEFAULT_PROJECT, EmulatorsMissing, FirestoreEmulator, PubSubEmulator, find_missing
from tidegate_ops.files import write_atomically
from tidegate_ops.function_service import FunctionService, Source
from tidegate_ops.insight.line_file import LineFile
from tidegate_ops.processes import stop_all
from tidegate_ops.project import Project
from tidegate_ops.provision import provision
from tidegate_ops.scheduler import Scheduler
from tidegate_ops.source_watcher import SourceWatcher
from tidegate_ops.stack_state import RunningFunction, StackState
from tidegate_ops.supervisor import Supervisor
from tidegate_ops.tcp_ports import held_ports
from tidegate_ops.timer_service import TimerService

STACK = "tidegate"
"""The name under which the stack itself, rather than a function, writes to ``on_line``."""


class StackRunning(TidegateError):
    """A local stack of this project runs already; the message says how to stop it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What has been reached of a component while the stack starts; ``done`` on its last step."""

    component: str
    state: str
    done: bool = False


SUBSCRIPTIONS = "subscriptions"
"""The component that is ready last."""

_LOCAL = {
    "TIDEGATE_WEBHOOKS_ALLOW_LOOPBACK": "1",  # who tries callbacks here has the receiver on this machine as well
    DATA_VARIABLE: "1",  # and who reads the logs here has the data
    SHARES_VARIABLE: "",  # all lines, since the stack's own metrics are made of them
}


def components(topology: Topology) -> list[str]:
    """The components whose steps are reported, in the order in which they get ready."""
    return [Jar.PUBSUB.label, Jar.FIRESTORE.label, *topology.deployed, SUBSCRIPTIONS]


class LocalStack:
    """While entered, the application runs; afterwards no process and no file of it is left.

    ``environment`` is added to every function's. ``on_line(component, line)`` gets the output of functions
    and emulators, from several threads; ``on_step`` what has been reached while starting.
    With ``reload``, functions run from their source instead of their bundles, and again after each edit.
    """

    def __init__(
        self,
        project: Project,
        *,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str, str], None] = lambda component, line: None,
        on_step: Callable[[Step], None] = lambda step: None,
        reload: bool = False,
    ) -> None:
        self._project = project
        self._environment = dict(environment or {})
        self._on_line = on_line
        self._on_step = on_step
        self._reload = reload
        self._cleanup = ExitStack()
        self._pubsub = PubSubEmulator(on_line=partial(on_line, Jar.PUBSUB.label))
        self._firestore = FirestoreEmulator(on_line=partial(on_line, Jar.FIRESTORE.label))
        self._services: dict[str, FunctionService] = {}
        self._urls: dict[str, str] = {}
        self._tasks_host = ""
        self._console = ""
        self._lines: LineFile | None = None

    def __enter__(self) -> Self:
        if missing := find_missing():
            raise EmulatorsMissing(missing)
        with ExitStack() as cleanup:
            self._open(cleanup, self._project.topology())
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def state(self) -> StackState:
        """Where everything is, at this moment."""
        return self._state.model_copy(
            update={
                "pubsub_host": self._pubsub.host,
                "firestore_host": self._firestore.host,
                "tasks_host": self._tasks_host,
                "console": self._console,
                "emulator_pids": [self._pubsub.pid, self._firestore.pid],
                "functions": {
                    name: RunningFunction(port=service.port, pid=service.process.pid)
                    for name, service in self._services.items()
                },
            }
        )

    @property
    def urls(self) -> Mapping[str, str]:
        """Where each HTTP function is open to people and clients."""
        return self._urls

    def announce_console(self, url: str) -> None:
        """Let other commands find the console at ``url``; an empty one takes that back."""
        self._console = url
        self._write_state()

    def kill_function(self, name: str, number: signal.Signals = signal.SIGKILL, *, worker: bool = True) -> None:
        """Send a signal to the process that handles the function's messages, or to the master above it.

        Either is replaced soon: a worker by its master, a master by the stack.
        """
        self._services[name].kill(number, worker=worker)

    def _open(self, cleanup: ExitStack, topology: Topology) -> None:
        """Start everything in order; what has been started is undone in the reverse order by ``cleanup``."""
        directory = self._claim(cleanup)
        cleanup.callback(self._stop_emulators)
        self._pubsub.start()
        self._firestore.start()
        sources = self._sources(directory, topology)  # while Java starts
        for emulator in (self._pubsub, self._firestore):
            emulator.wait_ready()
            self._on_step(Step(emulator.jar.label, emulator.host, done=True))
        self._start_timers(cleanup, directory)
        ports = cleanup.enter_context(held_ports(len(sources)))
        self._services = self._make_services(sources, ports, topology)
        self._urls = {name: self._services[name].url for name in topology.http_functions}
        cleanup.callback(lambda: stop_all(service.process for service in self._services.values()))
        self._start_functions()
        broker = cleanup.enter_context(LocalBroker(self._pubsub.host, self._state.project))
        provision(broker, topology, {name: self._services[name].url for name in topology.functions})
        self._on_step(Step(SUBSCRIPTIONS, "created", done=True))
        self._supervise(cleanup)
        scheduler = Scheduler(topology.schedules, publish=broker.publish, on_line=partial(self._note, STACK))
        scheduler.start()
        cleanup.callback(scheduler.close)
        self._write_state()

    def _claim(self, cleanup: ExitStack) -> Path:
        """Make this the project's one stack, with a folder of its own."""
        if found := StackState.read(self._project):
            if found.alive:
                raise StackRunning(
                    "a local stack of this project runs already: stop it with Ctrl-C in its terminal, "
                    f"or with: kill {found.pid}"
                )
            shutil.rmtree(found.directory, ignore_errors=True)  # it was killed and could not
        build_dir = self._project.build_dir
        if not build_dir.exists():
            build_dir.mkdir()
            cleanup.callback(_remove_if_empty, build_dir)
        directory = Path(tempfile.mkdtemp(prefix="stack-", dir=build_dir))
        cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
        self._lines = cleanup.enter_context(LineFile(directory))
        self._state = StackState.own(DEFAULT_PROJECT, directory)
        cleanup.callback(StackState.remove, self._project)
        self._state.write(self._project)
        return directory

    def _stop_emulators(self) -> None:
        for emulator in (self._pubsub, self._firestore):
            emulator.terminate()
        for emulator in (self._pubsub, self._firestore):
            emulator.stop()

    def _start_timers(self, cleanup: ExitStack, directory: Path) -> None:
        timers = TimerService(directory / "timers.sqlite3", on_line=partial(self._note, STACK))
        self._tasks_host = cleanup.enter_context(timers).host

    def _sources(self, directory: Path, topology: Topology) -> dict[str, Source]:
        """What each function runs from: its bundle, extracted, or its source."""
        names = list(topology.deployed)
        if not self._reload:
            return self._stage(directory, names)
        sources = {}
        for name in names:
            write_atomically(_config_path(directory, name), topology.slice(name).model_dump_json().encode())
            sources[name] = Source(self._project.functions_dir / name, self._project.infra, directory / name)
        return sources

    def _stage(self, directory: Path, names: list[str]) -> dict[str, Source]:
        bundles = directory / "bundles"
        manifest = bundle(self._project, names, bundles, on_bundled=lambda name: self._on_step(Step(name, "bundled")))
        sources = {}
        for name in names:
            staged = stage(bundles / manifest.bundles[name].file, directory)
            sources[name] = Source(staged, staged, staged)
        return sources

    def _make_services(
        self, sources: Mapping[str, Source], ports: Sequence[int], topology: Topology
    ) -> dict[str, FunctionService]:
        common = {**self.state.environment(), **_LOCAL, **self._environment}
        return {
            name: FunctionService(
                name,
                source,
                port=port,
                environment={**common, "K_SERVICE": deployed_name(name), **self._config_variable(name)},
                on_line=partial(self._note, name),
                http=name in topology.http_functions,
            )
            for (name, source), port in zip(sources.items(), ports, strict=True)
        }

    def _config_variable(self, name: str) -> dict[str, str]:
        """A bundle holds its configuration; a source folder has to be told."""
        return {CONFIG_VARIABLE: str(_config_path(self._state.directory, name))} if self._reload else {}

    def _start_functions(self) -> None:
        for service in self._services.values():
            service.process.start()
            self._on_step(Step(service.name, "starting"))
        for service in self._services.values():
            service.wait_ready()
            self._on_step(Step(service.name, service.url, done=True))

    def _supervise(self, cleanup: ExitStack) -> None:
        supervisor = Supervisor(self._services.values(), on_line=self._note, on_restart=self._write_state)
        supervisor.start()
        cleanup.callback(supervisor.close)
        if self._reload:
            watcher = SourceWatcher(
                self._project, self._services.keys(), on_edit=supervisor.restart, on_topology=self._report_topology
            )
            cleanup.enter_context(watcher)

    def _report_topology(self) -> None:
        self._note(STACK, "topology.yaml has changed: restart `tidegate up` to apply it")

    def _write_state(self) -> None:
        self.state.write(self._project)

    def _note(self, component: str, line: str) -> None:
        """Show a line, and keep it for those who ask later."""
        self._on_line(component, line)
        if self._lines is None:
            return
        try:
            self._lines.note(component, line)
        except OSError as error:
            self._lines.close()
            self._on_line(STACK, f"lines are no longer kept for `tidegate logs`: {error}")


def _config_path(directory: Path, name: str) -> Path:
    return directory / name / "tidegate.json"


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
