"""`tidegate up`."""

import threading
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from tidegate.topology import Topology
from tidegate_ops.cli.console import complain, err, out, say
from tidegate_ops.cli.stop_signals import stop_signals
from tidegate_ops.cloud_sdk import Jar
from tidegate_ops.console.server import ConsoleServer
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.emulators import EmulatorsMissing
from tidegate_ops.local_stack import LocalStack, Step, components
from tidegate_ops.log_line import render
from tidegate_ops.project import Project

_EMULATORS = {jar.label for jar in Jar}
_MISSING_EXIT = 3
_INTERRUPTED_EXIT = 130


def up(
    reload: Annotated[
        bool, typer.Option("--reload", help="Run functions from their source, and again after each edit.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the emulators' output too, and all that is said while starting.")
    ] = False,
) -> None:
    """Run the whole application on this machine, on the official emulators, until Ctrl-C.

    Each function is served from the bundle that would be deployed. What it and the emulators hold is
    gone when they stop.

    [bold]Examples:[/bold]

    tidegate up

    tidegate up --reload
    """
    project = Project.find()
    topology = project.topology()
    ready = False
    metrics = StackMetrics(topology)

    def show_line(component: str, line: str) -> None:
        metrics.note(line)
        # What a function says before it is ready matters when it fails, and is in the error then.
        if verbose or (ready and component not in _EMULATORS):
            out.print(render(component, line))

    with stop_signals():
        board = _Board(topology)
        stack = LocalStack(project, on_line=show_line, on_step=board.show, reload=reload)
        try:
            with board, stack, ConsoleServer(project, stack.state, metrics) as console:
                board.stop()
                stack.announce_console(console.url)
                _introduce(topology, stack, console)
                ready = True
                threading.Event().wait()
        except EmulatorsMissing as error:
            complain(str(error))
            raise typer.Exit(_MISSING_EXIT) from None
        except KeyboardInterrupt:
            err.print("stopped; nothing is left running")
            raise typer.Exit(0 if ready else _INTERRUPTED_EXIT) from None


class _Board(Progress):
    """One line per component while the stack starts."""

    def __init__(self, topology: Topology) -> None:
        super().__init__(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description:<20} {task.fields[state]}"),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._rows = {name: self.add_task(name, total=1, state="") for name in components(topology)}

    def show(self, step: Step) -> None:
        """Bring one component's line up to date."""
        self.update(self._rows[step.component], state=step.state, completed=int(step.done))


def _introduce(topology: Topology, stack: LocalStack, console: ConsoleServer) -> None:
    """Say what runs where, and how to use it; last what people open."""
    state = stack.state
    table = Table("topic", "function", "listens on")
    for topic in topology.topics:
        names = [name for name, function in topology.functions.items() if function.topic == topic]
        for name in names or [""]:
            table.add_row(topic, name, f"127.0.0.1:{state.functions[name].port}" if name else "")
    out.print(table, soft_wrap=False)
    first = next(iter(topology.topics), "TOPIC")
    say(f"publish:          tidegate publish {first} FILE.json")
    exports = " ".join(f"{name}={value}" for name, value in state.environment().items())
    say(f"other terminals:  export {exports}")
    say(f"metrics:          {console.metrics_url}")
    for name, url in stack.urls.items():
        say(f"{f'{name}:':<17} {url}")
    say(f"open the console: {console.url}", "bold")
    say("stop:             Ctrl-C")
