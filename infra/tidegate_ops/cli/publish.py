"""`tidegate publish`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from tidegate.errors import ConfigurationError
from tidegate_ops.cli.console import err, say
from tidegate_ops.cli.options import DryRun, EventTopic, ProjectId
from tidegate_ops.project import Project
from tidegate_ops.publishing import Draft, Payload, Target, check_class, newest_contract
from tidegate_ops.publishing import publish as publish_messages


def publish(
    topic: EventTopic,
    file: Annotated[str, typer.Argument(help="The JSON to publish; - reads standard input.")],
    event_id: Annotated[
        str, typer.Option("--id", help="The event's id: publishing it again has no further effect. Drawn by default.")
    ] = "",
    key: Annotated[str, typer.Option("--key", help="Ordering key.")] = "",
    class_: Annotated[str, typer.Option("--class", help="How important it is, by the topology's classes.")] = "",
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="A further attribute; repeatable.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Every line is the JSON of one event.")] = False,
    validate: Annotated[
        bool, typer.Option("--validate/--no-validate", help="Hold the data against the topic's contract first.")
    ] = True,
    dry_run: DryRun = False,
    project_id: ProjectId = "",
) -> None:
    """Publish events to the local stack; prints their ids.

    All of the input is checked before any of it is published.

    [bold]Examples:[/bold]

    tidegate publish manifest.received manifest.json

    tidegate publish manifest.received manifests.ndjson --lines
    """
    if event_id and lines:
        raise ConfigurationError("--id names one event, --lines publishes many: leave one of them out")
    project = Project.find()
    target = Target.find(project, project_id)
    contract = newest_contract(project, topic) if validate else None
    if class_:
        check_class(project, class_)
    draft = Draft(topic, contract, id=event_id, key=key, class_=class_, attributes=_attributes(attribute or []))
    events = draft.events(_read(file, lines=lines))
    messages = [draft.message(event) for event in events]
    if dry_run:
        events_of = "1 event" if len(messages) == 1 else f"{len(messages):,} events"
        say(f"would publish {events_of} to {topic} in {target}; nothing was published")
        return
    with Progress(console=err, transient=True, disable=not lines) as progress:
        task = progress.add_task(f"publishing to {topic}", total=len(messages))
        publish_messages(target, topic, messages, on_published=lambda count: progress.advance(task, count))
    for event in events:
        say(event.id)


def _read(file: str, *, lines: bool) -> list[Payload]:
    name = "standard input" if file == "-" else file
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error
    if not lines:
        return [Payload(name, content)]
    return [
        Payload(f"{name}:{number}", line.strip())
        for number, line in enumerate(content.split(b"\n"), start=1)
        if line.strip()
    ]


def _attributes(options: list[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise ConfigurationError(f"--attribute {wrong[0]}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}
