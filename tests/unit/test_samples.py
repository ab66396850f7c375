"""Made-up events fit their contracts, whatever these ask for."""

import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from tidegate.contracts import Contract
from tidegate.testing import sample
from tidegate_ops.project import Project
from tidegate_ops.schemas import load_contracts

CONTRACTS = load_contracts(Project.find(Path(__file__).parent))


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Line(BaseModel):
    sku: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3}$")]


class Everything(Contract, type="every.thing", version=1):
    """One field of each kind."""

    size: Size
    kind: Literal["a", "b"]
    lines: list[Line] = Field(min_length=2)
    pair: tuple[int, bool]
    counts: dict[str, int]
    either: int | str
    perhaps: str | None
    short: str = Field(max_length=2)
    long: str = Field(min_length=20)
    positive: int = Field(gt=0)
    negative: float = Field(lt=-1)
    moment: AwareDatetime
    day: datetime.date
    name: UUID
    given: str = "as it is"


class Odd(Contract, type="odd.one", version=1):
    """What no schema tells."""

    number: int

    @model_validator(mode="after")
    def _seven(self) -> "Odd":
        if self.number != 7:
            raise ValueError("must be 7")
        return self


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.label())
def test_the_desks_contracts_have_samples(contract: type[Contract]) -> None:
    """The same one every time."""
    assert sample(contract) == sample(contract)


def test_every_kind_of_field_has_a_value() -> None:
    """Bounds, patterns, formats and defaults are kept."""
    made = sample(Everything)
    assert (len(made.lines), made.given, made.positive, made.kind) == (2, "as it is", 1, "a")
    assert sample(Everything, positive=5).positive == 5


def test_what_cannot_be_made_up_has_to_be_named() -> None:
    """The error says so; with the field named, the rest is made up."""
    with pytest.raises(TypeError, match="no sample of Odd can be made up"):
        sample(Odd)
    assert sample(Odd, number=7).number == 7
