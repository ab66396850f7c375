"""Exported contracts, and which changes of them break somebody."""

import subprocess
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from tidegate import Contract
from tidegate.errors import ConfigurationError
from tidegate_ops import schemas
from tidegate_ops.project import Project
from tidegate_ops.schemas import breaking_changes


class Seat(BaseModel):
    row: int
    letter: str


class NarrowSeat(BaseModel):
    row: Annotated[int, Field(le=40)]
    letter: str


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Tree(BaseModel):
    name: str
    children: "list[Tree]" = []
    twin: "Tree | None" = None


def schema(annotation: Any, default: Any = ...) -> dict[str, Any]:
    """The schema of a contract with one field, `value`."""
    model = create_model("Probe", __base__=Contract, value=(annotation, default))
    return {"$id": "urn:tidegate:contract:probe:1", **model.model_json_schema()}


def changes(old: Any, new: Any) -> list[str]:
    return breaking_changes(schema(old), schema(new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (int, str, "value: type changed from integer to string"),
        (float, int, "value: type changed from number to integer"),
        (str | None, str, "value: null is no longer allowed"),
        (str, str | None, "value: null is now allowed"),
        (int | str, int, "value: string is no longer allowed"),
        (int, int | str, "value: string is now allowed"),
        (Literal["a", "b"], Literal["a"], 'value: value "b" removed'),
        (Literal["a"], Literal["a", "b"], 'value: value "b" added'),
        (Colour, Literal["red"], 'value: value "blue" removed'),
        (str, Literal["a"], 'value: is now limited to "a"'),
        (Literal["a"], str, 'value: is no longer limited to "a"'),
        (int, Annotated[int, Field(ge=0)], "value: minimum 0 added"),
        (Annotated[int, Field(le=9)], Annotated[int, Field(le=5)], "value: maximum changed from 9 to 5"),
        (Annotated[str, Field(max_length=9)], str, "value: maxLength 9 removed"),
        (Annotated[str, Field(pattern="a")], Annotated[str, Field(pattern="b")], "value: pattern changed"),
        (Seat, NarrowSeat, "value.row: maximum 40 added"),
        (list[Seat], list[NarrowSeat], "value[].row: maximum 40 added"),
        (dict[str, Seat], dict[str, NarrowSeat], "value{}.row: maximum 40 added"),
        (Seat | None, NarrowSeat | None, "value.row: maximum 40 added"),
        (Seat | int | None, NarrowSeat | int | None, "value.row: maximum 40 added"),
        (tuple[int, int], tuple[int, str], "value[1]: type changed from integer to string"),
        (list[int], list[Any], "value[]: type changed from integer to any value"),
    ],
)
def test_a_change_that_some_reader_cannot_cope_with_is_named(old: Any, new: Any, expected: str) -> None:
    """Path, change and remedy stand in one line, wherever in the data the change is."""
    (change,) = changes(old, new)
    assert change.startswith(expected)
    assert change.endswith("publish it as version 2 beside version 1")


@pytest.mark.parametrize(
    "annotation", [int, str | None, Colour, Seat, list[Seat], dict[str, Seat], Tree, Tree | None, Seat | int, Any]
)
def test_no_change_is_compatible(annotation: Any) -> None:
    """A schema is compatible with itself, models that contain themselves included."""
    assert changes(annotation, annotation) == []


def test_a_change_inside_a_model_that_contains_itself_is_found_once() -> None:
    """Recursion ends, and what changed is still seen."""
    old, new = schema(Tree), schema(Tree)
    new["$defs"] = {"Tree": {**new["$defs"]["Tree"]}}
    new["$defs"]["Tree"]["properties"] = {**new["$defs"]["Tree"]["properties"], "name": {"type": "integer"}}
    assert [change.split(";")[0] for change in breaking_changes(old, new)] == [
        "value.name: type changed from string to integer"
    ]


def probe(forbid: bool = False, **fields: Any) -> dict[str, Any]:
    model = create_model("Probe", __base__=Contract, **fields)
    return {**model.model_json_schema(), **({"additionalProperties": False} if forbid else {})}


def test_an_optional_field_may_be_added() -> None:
    """Tolerant readers ignore it, and old events need not have it."""
    assert breaking_changes(probe(a=(int, ...)), probe(a=(int, ...), b=(str, "x"))) == []


def test_words_may_change() -> None:
    """Descriptions, titles and defaults limit nothing."""
    assert breaking_changes(schema(int, 1), schema(Annotated[int, Field(description="new", title="New")], 2)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (probe(a=(int, 1)), probe(), "a: field removed"),
        (probe(), probe(a=(int, ...)), "a: required field added"),
        (probe(a=(int, 1)), probe(a=(int, ...)), "a: optional field became required"),
        (probe(a=(int, ...)), probe(a=(int, 1)), "a: required field became optional"),
        (probe(forbid=True), probe(forbid=True, a=(int, 1)), "a: field added to a model that forbids unknown fields"),
        (probe(), probe(forbid=True), "data: unknown fields are now forbidden"),
        (probe(forbid=True), probe(), "data: unknown fields are now allowed"),
    ],
)
def test_fields_that_come_go_or_become_required_break(old: Any, new: Any, expected: str) -> None:
    """Fields are compared by whether each side can count on them."""
    (change,) = breaking_changes(old, new)
    assert change.startswith(expected)
    assert change.endswith("publish it as a new version beside this one")


def test_every_contract_of_the_package_is_found(project: Project) -> None:
    """Contracts are sought in every module, and none counts twice for being imported elsewhere."""
    (project.contracts_dir / "more").mkdir()
    (project.contracts_dir / "more" / "__init__.py").write_text("from contracts.orders import OrderPlaced\n")
    (project.contracts_dir / "more" / "deep.py").write_text(
        "from contracts.orders import OrderPlaced\n\n\n"
        "class Next(OrderPlaced, type='order.placed', version=2):\n    x: int\n"
    )
    labels = [contract.label() for contract in schemas.load_contracts(project)]
    assert labels == ["order.packed v1", "order.placed v1", "order.placed v2"]


def test_a_module_of_contracts_that_fails_is_named(project: Project) -> None:
    """The error names the module and its fault."""
    (project.contracts_dir / "orders.py").write_text("import nowhere_at_all\n")
    with pytest.raises(ConfigurationError, match=r"infra/contracts/orders cannot be imported \(ModuleNotFound"):
        schemas.load_contracts(project)


def test_export_writes_stable_files_and_touches_only_what_changed(project: Project) -> None:
    """A second export has nothing to do; a contract that is gone loses its file."""
    written = schemas.export(project)
    assert [path.name for path in written] == ["order.packed.v1.json", "order.placed.v1.json"]
    assert schemas.export(project) == []
    assert schemas.committed(project) == schemas.in_code(project)
    (project.schemas_dir / "order.lost.v1.json").write_text("{}")
    assert [path.name for path in schemas.export(project)] == ["order.lost.v1.json"]


def test_a_version_that_vanished_breaks(project: Project) -> None:
    """Whoever consumes it still would be left alone."""
    code = schemas.in_code(project)
    comparison = schemas.compare({**code, "order.lost.v1.json": {}}, code)
    assert comparison.changed == ()
    assert comparison.breaking[0].startswith("order.lost.v1: vanished")


def test_a_new_version_and_a_new_optional_field_are_mere_changes(project: Project) -> None:
    """They need exporting, nothing else."""
    code = schemas.in_code(project)
    older = {"order.placed.v1.json": {**code["order.placed.v1.json"], "description": "older words"}}
    assert schemas.compare(older, code) == schemas.Comparison((), ("order.packed.v1.json", "order.placed.v1.json"))


def test_schemas_are_read_from_a_git_revision(project: Project) -> None:
    """What was committed counts, whatever the working tree holds now."""
    schemas.export(project)
    exported = schemas.committed(project)
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "infra"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(project.root), *arguments], check=True)
    (project.schemas_dir / "order.placed.v1.json").unlink()
    assert schemas.committed(project, "HEAD") == exported
    with pytest.raises(ConfigurationError, match="name a revision git knows"):
        schemas.committed(project, "no-such-branch")
