"""Emissions: what handlers return, and what their annotations promise."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.orders import OrderPacked, OrderPlaced
from tidegate import Emission, Result, emit
from tidegate.emissions import contracts_in, flatten

PACKED, PLACED = OrderPacked(), OrderPlaced()


@pytest.mark.parametrize(
    ("annotation", "contracts"),
    [
        (None, []),
        (type(None), []),
        (Result, []),
        (OrderPacked, [OrderPacked]),
        (OrderPacked | None, [OrderPacked]),
        (list[OrderPacked | OrderPlaced], [OrderPacked, OrderPlaced]),
        (tuple[OrderPacked, ...], [OrderPacked]),
        (Iterator[Emission[OrderPacked] | Result], [OrderPacked]),
        (Iterable[OrderPacked], [OrderPacked]),
        (AsyncIterator[OrderPacked | OrderPlaced | None], [OrderPacked, OrderPlaced]),
    ],
)
def test_annotations_name_contracts(annotation: Any, contracts: list[type]) -> None:
    """Every contract in a return annotation is found, however it is wrapped."""
    assert list(contracts_in(annotation)) == contracts


@pytest.mark.parametrize("annotation", [int, list, dict[str, int], list[str], Any])
def test_other_annotations_are_refused(annotation: Any) -> None:
    """A handler cannot promise what cannot be emitted."""
    with pytest.raises(TypeError, match="is not a contract"):
        list(contracts_in(annotation))


@pytest.mark.parametrize(
    ("returned", "flat"),
    [
        (None, []),
        ([], []),
        (PACKED, [Emission(PACKED)]),
        (Result(1), [Result(1)]),
        ([PACKED, None, (PLACED, [Result(1)])], [Emission(PACKED), Emission(PLACED), Result(1)]),
        (iter([PACKED]), [Emission(PACKED)]),
        (emit(PACKED, key="k"), [Emission(PACKED, "k")]),
    ],
)
def test_returned_values_are_flattened_in_order(returned: Any, flat: list[Any]) -> None:
    """Events, containers and generators of them, and nothing."""
    assert list(flatten(returned)) == flat


@pytest.mark.parametrize("returned", [1, "text", {"a": PACKED}, b"", {PACKED}])
def test_other_values_are_refused(returned: Any) -> None:
    """What cannot be emitted is said with its type."""
    with pytest.raises(TypeError, match=f"a handler returned {type(returned).__name__}"):
        list(flatten(returned))


@pytest.mark.parametrize("seconds", [0, -1])
def test_expiry_lies_ahead(seconds: float) -> None:
    """An event that is expired from the start would never be handled."""
    with pytest.raises(ValueError, match="it must be positive"):
        emit(PACKED, expires_in=timedelta(seconds=seconds))
