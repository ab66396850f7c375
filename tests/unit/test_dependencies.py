"""Dependencies: addresses and limits of outside services."""

import asyncio

import pytest

from tidegate.dependencies import Dependencies, Use, url_variable
from tidegate.errors import ConfigurationError
from tidegate.topology import Dependency

pytestmark = pytest.mark.anyio

API = Dependency(url="https://api.test", timeout_seconds=5, concurrency=2)


@pytest.mark.parametrize(
    ("environment", "url"), [({}, "https://api.test"), ({"REBOOKING_API_URL": "http://local"}, "http://local")]
)
async def test_the_address(environment: dict[str, str], url: str) -> None:
    """It comes from the topology, unless the environment names another."""
    async with Dependencies({"rebooking-api": API}, environment).use("rebooking-api") as use:
        assert use == Use("rebooking-api", url, 5)


async def test_no_more_uses_than_agreed() -> None:
    """A use over the limit waits for a free place."""
    dependencies = Dependencies({"api": API}, {})
    inside: set[int] = set()
    two, leave = asyncio.Event(), asyncio.Event()

    async def call(number: int) -> None:
        async with dependencies.use("api"):
            inside.add(number)
            assert len(inside) <= 2
            if len(inside) == 2:
                two.set()
            await leave.wait()
            inside.discard(number)

    calls = [asyncio.create_task(call(number)) for number in range(5)]
    await two.wait()
    assert len(inside) == 2
    leave.set()
    await asyncio.gather(*calls)


async def test_a_use_is_bounded_in_time() -> None:
    """What takes longer than agreed is cut off, and its place is free again."""
    dependencies = Dependencies({"api": Dependency(url="https://api.test", timeout_seconds=0.01, concurrency=1)}, {})
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with dependencies.use("api"):
                await asyncio.Event().wait()


async def test_undeclared_ones_are_refused() -> None:
    """The error says where to declare it."""
    with pytest.raises(ConfigurationError, match=r"'api' is not declared: name it in topology\.yaml"):
        async with Dependencies({}, {}).use("api"):
            pass


def test_the_variable_is_the_name_in_capitals() -> None:
    """A dash becomes an underscore."""
    assert url_variable("rebooking-api") == "REBOOKING_API_URL"
