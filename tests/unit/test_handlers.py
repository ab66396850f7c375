"""Handlers: signatures that say what is consumed and emitted, and those that do not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from tests.orders import OrderPacked, OrderPlaced
from tidegate import Context, Emission
from tidegate.dead_letters import DeadLetter
from tidegate.handlers import Handler, HttpHandler
from tidegate.sites import Site


async def emits_two(event: OrderPlaced, ctx: Context) -> list[OrderPacked | Emission[OrderPacked] | OrderPlaced]:
    return []


def emits_none(event: DeadLetter, ctx: Context) -> None: ...


def takes_one(event: OrderPlaced) -> None: ...


def takes_three(event: OrderPlaced, ctx: Context, more: int) -> None: ...


def takes_anything(event, ctx) -> None: ...  # type: ignore[no-untyped-def]


def takes_a_number(event: int, ctx: Context) -> None: ...


def takes_either(event: OrderPlaced | OrderPacked, ctx: Context) -> None: ...


def says_nothing(event: OrderPlaced, ctx: Context): ...  # type: ignore[no-untyped-def]


def returns_a_number(event: OrderPlaced, ctx: Context) -> int:
    return 1


class Callee:
    def __call__(self, event: OrderPlaced, ctx: Context) -> None: ...


def test_a_signature_says_it_all() -> None:
    """The first parameter is what is consumed; each contract in the return annotation counts once."""
    handler = Handler.inspect(emits_two, pure=True)
    assert handler == Handler("emits_two", emits_two, OrderPlaced, (OrderPacked, OrderPlaced), True)
    assert handler.source == Path(__file__)


def test_dead_letters_are_consumed_too() -> None:
    """The dead-letter function reads letters of any contract."""
    assert Handler.inspect(emits_none, pure=False) == Handler("emits_none", emits_none, DeadLetter, (), False)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        *[(each, "write `def ") for each in (takes_one, takes_three, takes_anything, takes_a_number, takes_either)],
        (says_nothing, "annotate what it returns"),
        (returns_a_number, "is not a contract"),
        (Callee(), "decorates plain functions"),
        (Callee, "decorates plain functions"),
        (len, "decorates plain functions"),
    ],
)
def test_other_signatures_are_refused(call: Callable[..., Any], said: str) -> None:
    """What is wrong shows at import, with what to write instead."""
    with pytest.raises(TypeError, match=said):
        Handler.inspect(call, pure=False)


def builds(site: Site) -> ASGIApp:
    raise NotImplementedError


async def builds_later(site: Site) -> ASGIApp:
    raise NotImplementedError


def builds_from_two(site: Site, more: int) -> ASGIApp:
    raise NotImplementedError


def builds_from_anything(site) -> ASGIApp:  # type: ignore[no-untyped-def]
    raise NotImplementedError


def builds_from_an_event(event: OrderPlaced) -> ASGIApp:
    raise NotImplementedError


def builds_nothing(site: Site) -> None: ...


def builds_untold(site: Site): ...  # type: ignore[no-untyped-def]


def builds_the_unknown(site: Site) -> "Nowhere":  # type: ignore[name-defined] # noqa: F821
    raise NotImplementedError


def test_what_an_http_functions_signature_says() -> None:
    """Its name, and where it stands."""
    handler = HttpHandler.inspect(builds)
    assert handler == HttpHandler("builds", builds)
    assert handler.source == Path(__file__)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (builds_from_two, r"write `def builds_from_two\(site: Site\) -> ASGIApp`"),
        (builds_from_anything, "write `def "),
        (builds_from_an_event, "write `def "),
        (builds_nothing, "write `def "),
        (builds_untold, "write `def "),
        (builds_the_unknown, "name what is not imported when it runs: name 'Nowhere' is not defined"),
        (builds_later, "decorates plain functions"),
        (Callee(), "decorates plain functions"),
        (len, "decorates plain functions"),
    ],
)
def test_other_http_signatures_are_refused(call: Callable[..., Any], said: str) -> None:
    """What is wrong shows at import, with what to write instead."""
    with pytest.raises(TypeError, match=said):
        HttpHandler.inspect(call)
