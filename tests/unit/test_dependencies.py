"""Dependencies: addresses and limits of outside services."""

import asyncio
import dataclasses
from typing import Any

import pytest

from tests.simulation.virtual_loop import run
from tidegate.dependencies import Dependencies, Use, url_variable
from tidegate.dependency_limits import Dependency
from tidegate.errors import ConfigurationError, DependencyCutOff, Reject
from tidegate.testing import World

pytestmark = pytest.mark.anyio

API = Dependency(url="https://api.test", timeout_seconds=5, concurrency=2)
PORTS = World().ports


def limited(**limits: Any) -> Dependencies:
    """A dependency called ``api`` with these limits."""
    return Dependencies({"api": Dependency.model_validate({"url": "https://api.test", **limits})}, {}, PORTS)


@pytest.mark.parametrize(
    ("environment", "url"), [({}, "https://api.test"), ({"REBOOKING_API_URL": "http://local"}, "http://local")]
)
async def test_the_address(environment: dict[str, str], url: str) -> None:
    """It comes from the topology, unless the environment names another."""
    async with Dependencies({"rebooking-api": API}, environment, PORTS).use("rebooking-api") as use:
        assert use == Use("rebooking-api", url, 5)


async def test_no_more_uses_than_agreed() -> None:
    """A use over the limit waits for a free place."""
    dependencies = Dependencies({"api": API}, {}, PORTS)
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
    dependencies = limited(timeout_seconds=0.01, concurrency=1)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with dependencies.use("api"):
                await asyncio.Event().wait()


async def test_undeclared_ones_are_refused() -> None:
    """The error says where to declare it."""
    with pytest.raises(ConfigurationError, match=r"'api' is not declared: name it in topology\.yaml"):
        async with Dependencies({}, {}, PORTS).use("api"):
            pass


def test_the_variable_is_the_name_in_capitals() -> None:
    """A dash becomes an underscore."""
    assert url_variable("rebooking-api") == "REBOOKING_API_URL"


class Flaky:
    """A call that fails with these errors, in turn, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: list[tuple[Any, ...]] = []

    async def __call__(self, *args: Any, **kwargs: Any) -> str:
        self.calls.append((*args, kwargs))
        if self.errors:
            raise self.errors.pop(0)
        return "booked"


@pytest.mark.parametrize("plain", [False, True])
async def test_passing_failures_are_tried_again(plain: bool) -> None:
    """The handler sees the answer alone; each call gets the same arguments."""
    flaky = Flaky(ConnectionError("reset"), TimeoutError())

    async def book(*args: Any, **kwargs: Any) -> str:
        return await flaky(*args, **kwargs)

    def plainly(*args: Any, **kwargs: Any) -> str:
        return asyncio.run(flaky(*args, **kwargs))

    async with limited().use("api") as api:
        assert await api.call(plainly if plain else book, "UA7", key="k") == "booked"
    assert flaky.calls == [("UA7", {"key": "k"})] * 3


async def test_there_are_only_so_many_calls() -> None:
    """The last failure is the handler's."""
    flaky = Flaky(*(ConnectionError(str(number)) for number in range(9)))
    async with limited(retries={"attempts": 4}).use("api") as api:
        with pytest.raises(ConnectionError, match="3"):
            await api.call(flaky)
    assert len(flaky.calls) == 4


@pytest.mark.parametrize("error", [Reject("no seats"), ValueError("odd")])
async def test_what_is_no_passing_failure_is_not_tried_again(error: Exception) -> None:
    """An answer stands, and a fault in the handler would only repeat itself."""
    flaky = Flaky(error)
    async with limited().use("api") as api:
        with pytest.raises(type(error)):
            await api.call(flaky)
    assert len(flaky.calls) == 1


async def test_pauses_grow_and_are_drawn() -> None:
    """Full jitter: between zero and a longest that doubles up to its bound."""
    longest: list[float] = []

    def jitter(most: float) -> float:
        longest.append(most)
        return 0.0

    retries = {"attempts": 6, "first_pause_seconds": 1, "longest_pause_seconds": 6}
    declared = Dependency.model_validate({"url": "https://api.test", "retries": retries})
    dependencies = Dependencies({"api": declared}, {}, dataclasses.replace(PORTS, jitter=jitter))
    async with dependencies.use("api") as api:
        await api.call(Flaky(*(ConnectionError() for _ in range(5))))
    assert longest == [1, 2, 4, 6, 6]


def test_calls_count_for_the_rate() -> None:
    """A retry takes a place as well; where none comes in time, nobody is kept waiting for it."""
    dependencies = limited(rate_per_second=2, timeout_seconds=0.3)
    flaky = Flaky(ConnectionError("first"), ConnectionError("second"))

    async def scenario() -> None:
        async with dependencies.use("api") as api:
            with pytest.raises(ConnectionError, match="second"):
                await api.call(flaky)
        with pytest.raises(DependencyCutOff, match=r"^api is called 2 times a second, and its next place comes after"):
            async with dependencies.use("api", seconds_left=0.1):
                pass

    run(scenario())


async def test_a_rate_makes_its_uses_wait() -> None:
    """They begin when it is their turn."""
    time = asyncio.get_running_loop().time
    dependencies = limited(rate_per_second=100, concurrency=200)
    began = time()

    async def use() -> None:
        async with dependencies.use("api"):
            pass

    await asyncio.gather(*(use() for _ in range(105)))
    assert time() - began >= 0.04
