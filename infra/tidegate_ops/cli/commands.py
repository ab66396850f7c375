"""The commands, each imported when it is used: nobody waits for the libraries of another."""

from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Place(NamedTuple):
    """Where a command or a group of commands is.

    Attributes:
        module: below `tidegate_ops.cli`.
        name: in that module, of a function or a Typer app.
        summary: the beginning of its help, up to the first empty line.
    """

    module: str
    name: str
    summary: str


PLACES = {
    "demo": Place(
        "demo",
        "demo",
        "Run a day at the flight operations desk, faults included, and hold every effect against the truth.",
    ),
    "up": Place("up", "up", "Run the whole application on this machine, on the official emulators, until Ctrl-C."),
    "console": Place(
        "web_console", "console", "Serve the operator's console until Ctrl-C; `tidegate up` has one already."
    ),
    "publish": Place("publish", "publish", "Publish events to the local stack; prints their ids."),
    "submit": Place("submit", "submit", "Submit events to the gateway; prints the ids of their jobs."),
    "smoke": Place(
        "smoke", "smoke", "Try a deployment: submit one event to its gateway, and wait until the job has settled."
    ),
    "check": Place("check", "check", "Hold topology, contracts and handlers against each other."),
    "doctor": Place(
        "doctor",
        "doctor",
        "Look for what is wrong: on this machine, and in the local stack or the project that is named.",
    ),
    "bundle": Place("bundle", "bundle", "Pack functions into the zips that are deployed."),
    "costs": Place("costs", "costs", "Estimate what an application costs a month, as a Markdown table."),
    "status": Place(
        "status",
        "status",
        "Show the application on one screen, live: what runs, what waits, what fails, what is cut off.",
    ),
    "logs": Place(
        "logs", "logs", "Show what functions wrote: the line that each delivery ends in, and what handlers logged."
    ),
    "trace": Place(
        "trace",
        "trace",
        "Show everything that belongs to an event's trace: who handled what, how often, and what came of it.",
    ),
    "pause": Place(
        "pauses",
        "pause",
        "Let what comes for a function wait in Pub/Sub, until you resume it. Deliveries under way go on.",
    ),
    "resume": Place(
        "pauses",
        "resume",
        "Let a paused function run again. One that a dependency's breaker has cut off stays paused until that is over.",
    ),
    "drain": Place("pauses", "drain", "Let a function work off what waits for it now, then pause it."),
    "pauses": Place(
        "pauses",
        "pauses",
        "Show which functions are paused, by whom, why, since and until when, and what waits for them.",
    ),
    "experiment": Place("experiment", "app", "Measure the application under an outage or a flood."),
    "new": Place("new", "app", "Functions and topics, made so that `make check` and their tests pass at once."),
    "job": Place("job", "app", "Work that was accepted at the gateway: look, follow, cancel."),
    "dead": Place("dead", "app", "Events that functions gave up on: find, understand, redrive."),
    "keys": Place("keys", "app", "Keys for callers of a gateway whose access is `api_keys`."),
    "contracts": Place("contracts", "app", "Event contracts and their exported JSON Schemas."),
    "topology": Place("topology", "app", "What runs, on which topic, within which limits."),
}


class Commands(TyperGroup):
    """The group of all of `PLACES`. What only lists them, help and completion, imports none."""

    def __init__(self, **attributes: Any) -> None:
        listed = {name: TyperCommand(name, help=place.summary) for name, place in PLACES.items()}
        super().__init__(**{**attributes, "commands": listed})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _load(cmd_name) if cmd_name in PLACES else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._list().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        return self._list().shell_complete(ctx, incomplete)

    def _list(self) -> TyperGroup:
        return TyperGroup(
            name=self.name,
            help=self.help,
            params=self.params,
            commands=list(self.commands.values()),
            rich_markup_mode=self.rich_markup_mode,
        )


@cache
def _load(name: str) -> Any:
    place = PLACES[name]
    found = getattr(import_module(f"tidegate_ops.cli.{place.module}"), place.name)
    holder = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return get_group(holder).commands[name]
