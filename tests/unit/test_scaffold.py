"""`tidegate new`: what is made is consistent at once, and what cannot be made leaves no trace."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture
from typer.testing import CliRunner, Result

from tidegate.errors import ConfigurationError
from tidegate_ops.checks import check
from tidegate_ops.cli import app
from tidegate_ops.project import Project
from tidegate_ops.scaffold import change
from tidegate_ops.schemas import committed, compare, export, in_code

SHIP = ("function", "ship_order", "--on", "order.packed", "--emits", "parcel.sent", "--emits", "order.shipped")


@pytest.fixture(autouse=True)
def exported(project: Project) -> None:
    export(project)


def new(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["new", *arguments])


def files(project: Project) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}


def entries(project: Project) -> set[Path]:
    return set(project.root.rglob("*"))


def refusal(*arguments: str) -> str:
    """Why it is not made."""
    result = new(*arguments)
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)


def forget_contracts() -> None:
    """Each command is a process of its own and imports the contracts anew; here that takes forgetting them."""
    for name in [name for name in sys.modules if name.startswith("contracts")]:
        del sys.modules[name]


def findings(project: Project) -> Iterator[str]:
    """All that the checks of a project would say."""
    forget_contracts()
    yield from map(str, check(project))
    comparison = compare(committed(project), in_code(project))
    yield from (*comparison.breaking, *comparison.changed)


def test_a_function_is_consistent_at_once(project: Project) -> None:
    """Folder, entry, contracts, schemas and test are there, and nothing is left to find."""
    before = entries(project)
    result = new(*SHIP)
    assert result.exit_code == 0, result.output
    made = {path.relative_to(project.root).as_posix() for path in entries(project) - before if path.is_file()}
    assert made == {
        "functions/ship_order/main.py",
        "functions/ship_order/requirements.txt",
        "infra/contracts/parcels.py",
        "infra/contracts/schemas/order.shipped.v1.json",
        "infra/contracts/schemas/parcel.sent.v1.json",
        "tests/functions/test_ship_order.py",
    }
    assert list(findings(project)) == []
    function = project.topology().functions["ship_order"]
    assert (function.topic, function.emits, function.ordered) == (
        "order.packed",
        ("parcel.sent", "order.shipped"),
        False,
    )


def test_contracts_stand_beside_those_of_their_domain(project: Project) -> None:
    """A topic of a known first word goes to its module, which is not changed otherwise."""
    orders = project.contracts_dir / "orders.py"
    before = orders.read_text()
    new(*SHIP)
    assert orders.read_text().startswith(before)
    assert 'class OrderShipped(Contract, type="order.shipped", version=1):' in orders.read_text()


def test_a_further_function_on_what_was_made(project: Project) -> None:
    """Two commands make a pipeline; of the second, the topics are there already."""
    new("topic", "parcel.sent", "--description", 'A parcel left "us"')
    forget_contracts()
    assert new("function", "track_parcel", "--on", "parcel.sent", "--ordered").exit_code == 0
    assert list(findings(project)) == []
    assert project.topology().topics["parcel.sent"].description == 'A parcel left "us".'
    assert project.topology().functions["track_parcel"].ordered
    assert 'key="key-1"' in (project.root / "tests" / "functions" / "test_track_parcel.py").read_text()


def test_the_steps_that_are_left_are_named(project: Project) -> None:
    """The commands in them are the ones to type."""
    said = new(*SHIP).output
    assert "give ParcelSent its fields in infra/contracts/parcels.py" in said
    assert "tidegate contracts export --allow-breaking" in said
    assert "pytest tests/functions/test_ship_order.py" in said


def test_a_dry_run_writes_nothing(project: Project) -> None:
    """It says what would be."""
    before = files(project)
    result = new(*SHIP, "--dry-run")
    assert "would create functions/ship_order/main.py" in result.output
    assert "would edit infra/topology.yaml" in result.output
    assert files(project) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("function", "Ship", "--on", "order.packed"), "'Ship' cannot name a function: write lower-case words"),
        (("function", "import", "--on", "order.packed"), "import means something to Python"),
        (("function", "pack_order", "--on", "order.packed"), "the function pack_order is there already"),
        (("function", "ship", "--on", "order.paked"), "did you mean order.packed.*tidegate new topic order.paked"),
        (("function", "ship", "--on", "order.packed", "--emits", "Sent"), "'Sent' cannot name a topic"),
        (("function", "ship", "--on", "dead.letters"), "one function files them all"),
        (("function", "ship", "--on", "order.packed", "--emits", "dead.letters"), "one function files them all"),
        (("function", "ship", "--on", "order.packed", "--depends-on", "post"), "there is no dependency post"),
        (
            ("function", "unpack", "--on", "order.packed", "--emits", "order.placed"),
            "functions.unpack: its events lead back to itself: unpack → pack_order → unpack",
        ),
        (("topic", "Sent"), "'Sent' cannot name a topic"),
        (("topic", "order.packed"), "the topic order.packed is there already"),
        (("topic", "order.sent", "--description", "x" * 101), "shorten it"),
    ],
)
def test_what_cannot_be_is_refused(project: Project, arguments: tuple[str, ...], said: str) -> None:
    """The message says what to do, and nothing was changed."""
    before = entries(project), files(project)
    assert re.search(said, refusal(*arguments), re.DOTALL)
    assert (entries(project), files(project)) == before


@pytest.mark.parametrize("path", ["functions/ship_order", "tests/functions/test_ship_order.py"])
def test_nothing_is_overwritten(project: Project, path: str) -> None:
    """Somebody's folder or test is left alone."""
    there = project.root / path
    there.parent.mkdir(parents=True, exist_ok=True)
    if there.suffix:
        there.write_text("mine")
    else:
        there.mkdir()
    before = entries(project), files(project)
    assert f"{path} is there already" in refusal(*SHIP)
    assert (entries(project), files(project)) == before


@pytest.mark.parametrize("written", range(8))
def test_a_failure_half_way_is_undone(project: Project, mocker: MockerFixture, written: int) -> None:
    """Whatever had been written, files and folders are as they were; a full disk is named."""
    write, calls = change.write_atomically, iter(range(100))

    def failing(path: Path, content: bytes) -> None:
        if next(calls) == written:
            path.parent.mkdir(parents=True, exist_ok=True)
            raise OSError(28, "No space left on device", str(path))
        write(path, content)

    before = entries(project), files(project)
    mocker.patch.object(change, "write_atomically", side_effect=failing)
    assert "No space left on device" in refusal(*SHIP)
    assert (entries(project), files(project)) == before
