"""Forms made from contracts, and what is read from them."""

import datetime
import json
from typing import Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field

from tidegate.contracts import Contract
from tidegate_ops.console.filled_form import WHOLE, Faults, compact, hold_against, read, texts_of
from tidegate_ops.console.form_fields import Field as FormField
from tidegate_ops.console.form_fields import Group, Kind, group_of
from tidegate_ops.schemas import schema_of


class Address(BaseModel):
    """Where to."""

    street: str = Field(max_length=80)
    zip: str = Field(pattern=r"^[0-9]{5}$")


class Line(BaseModel):
    sku: str
    count: int


class Order(Contract, type="order.placed", version=1):
    """Of every kind."""

    id: str = Field(min_length=1, max_length=20, description="Names it.")
    text: str
    count: int = Field(ge=1, le=9)
    weight: float | None
    day: datetime.date
    at: AwareDatetime | None = None
    kind: Literal["gift", "own"]
    express: bool = False
    tags: list[str]
    numbers: list[int] = Field(default_factory=list)
    address: Address
    billing: Address | None = None
    lines: list[Line] = Field(default_factory=list)
    extra: dict[str, str] = Field(default_factory=dict)


class Folder(BaseModel):
    inner: "list[Folder]" = Field(default_factory=list)
    parent: "Folder | None" = None


class Nested(Contract, type="nested.made", version=1):
    folder: Folder


FORM = group_of(schema_of(Order))
assert FORM is not None
FILLED = {
    "id": " o-1 ",
    "text": "two\r\nlines",
    "count": "3",
    "weight": "",
    "day": "2013-02-08",
    "kind": "gift",
    "express": "true",
    "tags": "a\r\n\r\nb",
    "numbers": "1\n2",
    "address.street": "Main Street 1",
    "address.zip": "12345",
    "lines": '[{"sku": "s", "count": 2}]',
}


def field(name: str, group: Group | None = FORM) -> FormField:
    assert group is not None
    return next(each for each in group.fields() if each.name == name)


def test_every_value_has_its_field() -> None:
    """By its schema; what fits no other kind is written as JSON."""
    assert FORM is not None
    kinds = {each.name: each.kind for each in FORM.fields()}
    assert kinds == {
        "id": Kind.LINE,
        "text": Kind.AREA,
        "count": Kind.NUMBER,
        "weight": Kind.NUMBER,
        "day": Kind.DATE,
        "at": Kind.MOMENT,
        "kind": Kind.CHOICE,
        "express": Kind.CHOICE,
        "tags": Kind.LIST,
        "numbers": Kind.LIST,
        "address.street": Kind.LINE,
        "address.zip": Kind.LINE,
        "billing.street": Kind.LINE,
        "billing.zip": Kind.LINE,
        "lines": Kind.JSON,
        "extra": Kind.JSON,
    }
    assert (field("count").minimum, field("count").maximum, field("count").whole) == (1, 9, True)
    assert (field("weight").required, field("weight").nullable, field("weight").whole) == (True, True, False)
    assert (field("at").required, field("express").required, field("id").hint) == (False, False, "Names it.")


def test_what_is_filled_in_is_the_data() -> None:
    """Left out where nothing was written, null where that has to be said; the contract takes it."""
    assert FORM is not None
    faults = Faults()
    data = read(FORM, FILLED, faults)
    assert data == {
        "id": "o-1",
        "text": "two\nlines",
        "count": 3,
        "weight": None,
        "day": "2013-02-08",
        "kind": "gift",
        "express": True,
        "tags": ["a", "b"],
        "numbers": [1, 2],
        "address": {"street": "Main Street 1", "zip": "12345"},
        "lines": [{"sku": "s", "count": 2}],
    }
    hold_against(Order, compact(data), [each.name for each in FORM.fields()], faults)
    assert not faults


def test_data_fills_the_form() -> None:
    """Read back, it is the same data."""
    assert FORM is not None
    data = read(FORM, FILLED, Faults())
    assert read(FORM, texts_of(FORM, data), Faults()) == data


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"count": "many"}, "count", "valid integer"),
        ({"count": "10"}, "count", "less than or equal to 9"),
        ({"kind": ""}, "kind", "Field required"),
        ({"day": "soon"}, "day", "valid date"),
        ({"address.zip": "x"}, "address.zip", "match pattern"),
        ({"numbers": "1\nx"}, "numbers", "1: Input should be a valid integer"),
        ({"lines": '[{"sku": "s"}]'}, "lines", "0.count: Field required"),
        ({"lines": "["}, "lines", "is no JSON"),
        ({"billing.street": "Elm Street 2"}, "billing.zip", "match pattern"),
    ],
)
def test_faults_stand_beside_their_fields(changes: dict[str, str], name: str, said: str) -> None:
    """Whatever is wrong, and nothing else is."""
    assert FORM is not None
    faults = Faults()
    data = read(FORM, FILLED | changes, faults)
    hold_against(Order, compact(data), [each.name for each in FORM.fields()], faults)
    assert list(faults.by_field) == [name]
    assert said in faults.of(name)[0]


def test_an_optional_group_is_left_out_when_nothing_is_written() -> None:
    """All of it, or as far as it was filled in."""
    assert FORM is not None
    assert "billing" not in read(FORM, FILLED, Faults())
    filled = FILLED | {"billing.street": "Elm Street 2", "billing.zip": "54321"}
    assert read(FORM, filled, Faults())["billing"] == {"street": "Elm Street 2", "zip": "54321"}


def test_what_contains_itself_is_written_as_json() -> None:
    """A form would have no end."""
    group = group_of(schema_of(Nested))
    assert field("folder.inner", group).kind is Kind.JSON
    assert field("folder.parent", group).kind is Kind.JSON


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": "object", "additionalProperties": True}, {}])
def test_without_named_fields_there_is_no_form(schema: dict[str, Any]) -> None:
    """Then all of the data is written as JSON."""
    assert group_of(schema) is None


def test_a_validator_that_stumbles_is_a_fault_of_the_whole() -> None:
    """As the runtime takes it."""
    faults = Faults()
    hold_against(Order, b"[1]", [], faults)
    assert faults.of(WHOLE) == ["Input should be an object"]
    assert json.loads(compact({"ä": 1})) == {"ä": 1}
