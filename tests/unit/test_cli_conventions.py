"""What holds for every command, whoever adds the next one."""

import json
import os
from collections.abc import Iterator

import pytest
import typer
from pytest_mock import MockerFixture
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner

from tests.unit.test_cli_dead import FIELDS, LETTER
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate_ops.cli import app, completion
from tidegate_ops.cli.commands import PLACES
from tidegate_ops.project import Project

READING = {
    *(
        "check",
        "contracts check",
        "contracts list",
        "costs",
        "dead list",
        "dead show",
        "doctor",
        "job list",
        "job show",
        "job tree",
    ),
    *("keys list", "logs", "pauses", "status", "topology show", "trace"),
}
"""Commands that look, and can be read by programs."""

PRINTING = {"contracts schemas", "topology schema"}
"""Commands that print nothing but JSON; the latter writes it where it is told to."""

MUTATING = {
    *("bundle", "contracts export", "dead drop", "dead redrive", "drain", "job cancel", "keys add", "keys disable"),
    *("new function", "new topic", "pause", "publish", "resume", "smoke", "submit"),
}
"""Commands that change something that outlives them."""

RUNNING = {"console", "demo", "experiment flood", "experiment outage", "up"}
"""Commands that serve or run something on this machine until they end, and leave nothing of it behind."""


def leaves(command: object, path: str = "") -> Iterator[tuple[str, TyperCommand]]:
    """Every command that is no group, by how it is typed."""
    if not isinstance(command, TyperGroup):
        assert isinstance(command, TyperCommand)
        yield path, command
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), f"{path} {name}".strip())


TIDEGATE = typer.main.get_command(app)
COMMANDS = dict(leaves(TIDEGATE))


def options(name: str) -> set[str]:
    return {option for each in COMMANDS[name].params for option in each.opts}


def test_every_command_is_of_one_kind() -> None:
    """A new one has to be declared here."""
    kinds = (READING, PRINTING, MUTATING, RUNNING)
    assert sorted(name for kind in kinds for name in kind) == sorted(COMMANDS)


@pytest.mark.parametrize("name", PLACES)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """The first paragraph of its own help."""
    assert isinstance(TIDEGATE, TyperGroup)
    command = TIDEGATE.get_command(typer.Context(TIDEGATE), name)
    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").partition("\n\n")[0].split()) == PLACES[name].summary


def test_a_misspelt_command_is_recognised() -> None:
    """As the command that it is closest to."""
    assert "Did you mean 'check'?" in CliRunner().invoke(app, ["chekc"]).output


@pytest.mark.parametrize("name", sorted(READING))
def test_what_reads_can_be_read_by_programs(name: str) -> None:
    """With --json."""
    assert "--json" in options(name)


@pytest.mark.parametrize("name", sorted(MUTATING))
def test_what_changes_something_can_be_tried(name: str) -> None:
    """With --dry-run."""
    assert "--dry-run" in options(name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_examples(name: str) -> None:
    """Each of them is a command line of its own."""
    text = COMMANDS[name].help or ""
    assert "Example" in text
    assert f"tidegate {name}" in text.partition("Example")[2]


def typed(*words: str) -> list[str]:
    """What bash is offered when Tab is pressed behind these words."""
    environment = {
        "_TIDEGATE_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["tidegate", *words]),
        "COMP_CWORD": str(len(words)),
    }
    return CliRunner().invoke(app, env={**os.environ, **environment}, prog_name="tidegate").stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["res"], ["resume"]),
        (["pause", "pa"], ["pack_order"]),
        (["logs", "de"], ["dead_letters"]),
        (["publish", "order.pl"], ["order.placed"]),
        (["dead", "list", "--function", "p"], ["pack_order"]),
        (["logs", "--verdict", "de"], ["dead"]),
    ],
)
def test_names_are_completed(project: Project, words: list[str], offered: list[str]) -> None:
    """Commands, functions, topics, and what an option takes."""
    assert typed(*words) == offered


def test_outside_a_project_nothing_is_offered(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is complained of."""
    monkeypatch.chdir("/")
    assert typed("pause", "p") == []


def test_the_ids_of_dead_letters_are_completed(project: Project, mocker: MockerFixture) -> None:
    """Those of the local stack; without one, none."""
    assert typed("dead", "show", "a") == []
    store = MemoryDocuments()
    firestore = memory_firestore(store)

    async def letters(project: Project) -> list[str]:
        await firestore.collection("dead_letters").document(LETTER).set(FIELDS)
        return await completion.open_letters(firestore)

    mocker.patch.object(completion, "_letters", letters)
    assert typed("dead", "show", "assess_fl") == [LETTER]
    assert typed("dead", "redrive", "other") == []


def test_dry_runs_say_what_would_be_done(project: Project) -> None:
    """And do nothing."""
    run = CliRunner().invoke
    assert (
        "would write infra/contracts/schemas/order.placed.v1.json"
        in run(app, ["contracts", "export", "--dry-run"]).stdout
    )
    bundled = run(app, ["bundle", "--dry-run"])
    assert "changed" in bundled.stdout
    assert "nothing was written" in bundled.stdout
    (project.root / "order.json").write_text('{"order_id": "o-1", "items": []}')
    submitted = run(app, ["submit", "order.placed", "order.json", "--dry-run", "--url", "http://127.0.0.1:1"])
    assert submitted.stdout.startswith("would submit 1 event to order.placed at http://127.0.0.1:1")
    smoke = run(app, ["smoke", "order.placed", "order.json", "--dry-run", "--url", "http://127.0.0.1:1"])
    assert smoke.stdout.startswith("would submit order.json to order.placed")
    environment = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    published = run(app, ["publish", "order.placed", "order.json", "--dry-run"], env=environment)
    assert published.stdout.startswith("would publish 1 event to order.placed in tidegate-local")
    assert sorted(each.name for each in project.root.iterdir()) == ["functions", "infra", "order.json"]
    assert not project.schemas_dir.exists()


def test_what_would_be_refused_is_refused_by_a_dry_run(project: Project) -> None:
    """Data that does not fit its contract, or is no JSON."""
    (project.root / "order.json").write_text("[1,")
    for command in ("publish", "submit"):
        arguments = [command, "order.placed", "order.json", "--dry-run"]
        options = ["--url", "http://127.0.0.1:1"] if command == "submit" else []
        result = CliRunner().invoke(app, [*arguments, *options], env={"PUBSUB_EMULATOR_HOST": "127.0.0.1:1"})
        assert "JSON" in str(result.exception)


def test_programs_read_the_same(project: Project) -> None:
    """What people see in tables."""
    run = CliRunner().invoke
    listed = json.loads(run(app, ["contracts", "list", "--json"]).stdout)
    assert listed[-1] == {
        "type": "order.placed",
        "version": 1,
        "fields": ["order_id", "items"],
        "consumed_by": ["pack_order"],
    }
    unexported = run(app, ["contracts", "check", "--json"])
    assert unexported.exit_code == 1
    assert json.loads(unexported.stdout)["not_exported"] == ["order.packed.v1.json", "order.placed.v1.json"]
    shown = json.loads(run(app, ["topology", "show", "--json"]).stdout)
    assert shown["functions"]["pack_order"]["timeout_seconds"] == 30
    assert json.loads(run(app, ["check", "--json"]).stdout) == []
    (project.functions_dir / "stray").mkdir()
    checked = run(app, ["check", "--json"])
    assert (checked.exit_code, json.loads(checked.stdout)[0]["where"]) == (1, "functions/stray")
    [costs] = json.loads(run(app, ["costs", "--events", "1e6", "--json"]).stdout)
    assert costs["usd_together"] == pytest.approx(sum(costs["usd_a_month"].values()))
    assert costs["events"] == 1e6
