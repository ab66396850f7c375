"""Contracts: tolerant readers with clear refusals."""

from typing import Self

import pytest
from pydantic import Field, ValidationError, model_validator

from tidegate import Contract
from tidegate.errors import ContractViolation


class Seat(Contract):
    """A part of a contract has no type of its own."""

    row: int


class Booked(Contract, type="seat.booked", version=2):
    seat: Seat
    name: str = Field(alias="passengerName", default="")

    @model_validator(mode="after")
    def _stumble(self) -> Self:
        if self.seat.row == 13:
            raise KeyError("no such row")
        return self


def test_a_contract_knows_its_type() -> None:
    """Type and version belong to the class; a part without a type has none."""
    assert (Booked.event_type, Booked.event_version, Booked.label()) == ("seat.booked", 2, "seat.booked v2")
    assert (Seat.event_type, Seat.event_version) == ("", 0)


@pytest.mark.parametrize("version", [0, -1])
def test_a_type_needs_a_version(version: int) -> None:
    """A contract without a version is a mistake that shows at import."""
    with pytest.raises(TypeError, match="needs version=1 or higher"):
        type("Broken", (Contract,), {}, type="seat.broken", version=version)


def test_round_trip() -> None:
    """What is published reads back equal, by the names that travel."""
    booked = Booked.model_validate({"seat": {"row": 7}, "passengerName": "Zoë"})
    assert booked.to_json() == '{"seat":{"row":7},"passengerName":"Zoë"}'.encode()
    assert Booked.parse(booked.to_json()) == booked


def test_unknown_fields_are_ignored() -> None:
    """A producer may add a field before its consumers know it."""
    assert Booked.parse(b'{"seat":{"row":7,"window":true},"class":"Y"}').seat == Seat(row=7)


def test_a_contract_is_frozen() -> None:
    """A fact does not change."""
    with pytest.raises(ValidationError):
        Seat(row=1).row = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "data is empty: expected a JSON object of seat.booked v2"),
        (b"[]", "does not fit seat.booked v2: data: "),
        (b"{", "does not fit seat.booked v2: data: Invalid JSON"),
        (b"{}", "seat: Field required"),
        (b'{"seat":{"row":"x"},"passengerName":1}', "seat.row: "),
        (b'{"seat":{"row":"x"},"passengerName":1}', "; passengerName: "),
        (b'{"seat":' + b"[" * 10_000, "Invalid JSON"),
        (b'{"seat":{"row":1},"x":' + b"9" * 5000 + b"}", "Invalid JSON"),
        (b'{"seat":{"row":13}}', "a validator of seat.booked v2 failed: KeyError: 'no such row'"),
    ],
)
def test_violations_name_the_fields(data: bytes, said: str) -> None:
    """Each field that does not fit is named; a validator that fails is a violation too."""
    with pytest.raises(ContractViolation) as told:
        Booked.parse(data)
    assert said in str(told.value)
