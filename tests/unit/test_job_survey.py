"""A job's tree, read back from what its work left in Firestore."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from tests.unit import trip_desk
from tests.unit.trip_desk import TOPOLOGY, TripDesk, TripPlanned
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import ConfigurationError
from tidegate.jobs import JobState
from tidegate.records import Fault
from tidegate.testing.virtual_loop import run
from tidegate.topology import Topology
from tidegate_ops.job_archive import JobArchive
from tidegate_ops.job_survey import MOST_UNITS, JobSurvey
from tidegate_ops.job_tree import Branch, JobTree, Relation, State

T = TypeVar("T")


def story(tell: Callable[[TripDesk], Awaitable[T]], *, without: str = "") -> T:
    async def told() -> T:
        return await tell(TripDesk(without=without))

    return run(told())


async def survey(
    desk: TripDesk,
    job: str = "j1",
    *,
    most: int = MOST_UNITS,
    depth: int | None = None,
    topology: Topology = TOPOLOGY,
) -> JobTree:
    archive = JobArchive(memory_firestore(desk.application.documents))
    return await JobSurvey(archive, topology, most).tree(job, desk.clock(), depth=depth)


def counted(tree: JobTree) -> Counter[tuple[str, State]]:
    return Counter((branch.unit.function, branch.handling.state) for _, branch in tree.walk())


def of(tree: JobTree, function: str) -> list[Branch]:
    return [branch for _, branch in tree.walk() if branch.unit.function == function]


@pytest.mark.parametrize("legs", [1, 3, 130])
def test_a_tree_has_every_unit_below_what_caused_it(legs: int) -> None:
    """However wide: a gathering's members and what follows it below the plan, two functions below each leg."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=legs))
        tree = await survey(desk)
        assert counted(tree) == {
            ("plan_trip", State.DONE): 1,
            ("book_leg", State.DONE): legs,
            ("count_leg", State.DONE): legs,
            ("bill_leg", State.DONE): legs,
            ("finish_trip", State.DONE): 1,
        }
        [plan] = tree.roots
        assert (plan.unit.relation, plan.unit.event_type) == (Relation.SUBMITTED, "trip.planned")
        assert plan.children[-1].unit.relation is Relation.THEN
        assert [each.unit.function for each in plan.children[0].children] == ["bill_leg", "count_leg"]
        assert {branch.handling.attempts for _, branch in tree.walk()} == {1}
        assert not tree.cut

    story(tell)


def test_what_failed_says_why_and_what_undid_the_rest_stands_beside() -> None:
    """A failed job has its reasons in the tree, and the work that undid the rest, the last first."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=3, full=(1,)))
        tree = await survey(desk)
        assert tree.job.state is JobState.FAILED
        [failed] = [each for each in of(tree, "book_leg") if each.handling.state is State.FAILED]
        assert (failed.handling.fault, failed.handling.reason) == (Fault.REJECTED, "full")
        undone = [each for each in tree.roots if each.unit.relation is Relation.COMPENSATION]
        assert [(each.unit.function, each.unit.event_type, each.handling.state) for each in undone] == [
            ("drop_leg", "leg.dropped", State.DONE)
        ] * 3
        assert all(each.seconds is not None for each in undone)

    story(tell)


def test_what_is_under_way_says_so() -> None:
    """While legs are being booked, what follows them waits."""

    async def tell(desk: TripDesk) -> None:
        async def look(leg: int) -> None:
            during.append(await survey(desk))

        during: list[JobTree] = []
        desk.on_booking = look
        await desk.submit("j1", TripPlanned(legs=3))
        assert of(during[0], "finish_trip")[0].handling.state is State.WAITING
        assert State.RUNNING in {each.handling.state for each in of(during[0], "book_leg")}

    story(tell)


def test_what_has_not_been_delivered_says_so() -> None:
    """A function that is not deployed leaves its units behind."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=2))
        tree = await survey(desk)
        assert counted(tree)["bill_leg", State.UNDELIVERED] == 2
        assert counted(tree)["finish_trip", State.WAITING] == 1

    story(tell, without="bill_leg")


def test_a_redrive_after_the_end_changes_nothing() -> None:
    """The job had failed by then, and so had the unit, as far as the job goes."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=2, full=(1,)))
        desk.mended = True
        await desk.redrive()
        assert counted(await survey(desk))["book_leg", State.FAILED] == 1

    story(tell)


def test_no_more_is_read_than_wanted_but_failures_are() -> None:
    """A cut tree says that it is one, and has what was given up beyond the cut."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=70, full=(69,)))
        tree = await survey(desk, most=40)
        assert tree.cut
        read = [branch for _, branch in tree.walk() if branch.unit.relation in (Relation.SUBMITTED, Relation.EMITTED)]
        assert len(read) == 40
        [beyond] = [each for each in tree.roots if each.unit.relation is Relation.UNPLACED]
        assert (beyond.unit.function, beyond.handling.state) == ("book_leg", State.FAILED)

    story(tell)


def test_no_more_levels_are_read_than_wanted() -> None:
    """What came of the last one is counted, and that is no cut."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=3))
        tree = await survey(desk, depth=2)
        assert counted(tree) == {
            ("plan_trip", State.DONE): 1,
            ("book_leg", State.DONE): 3,
            ("finish_trip", State.DONE): 1,
        }
        assert [each.unread for each in tree.roots[0].children] == [2, 2, 2, 0]
        assert not tree.cut

    story(tell)


def test_time_runs_from_the_emission_to_the_end() -> None:
    """Of what follows a gathering, from when the last member had settled."""

    async def tell(desk: TripDesk) -> None:
        async def book(leg: int) -> None:
            await asyncio.sleep(10 * (leg + 1))

        desk.on_booking = book
        await desk.submit("j1", TripPlanned(legs=3))
        tree = await survey(desk)
        assert [round(each.seconds or 0) for each in of(tree, "book_leg")] == [10, 20, 30]
        assert [round(each.seconds or 0) for each in of(tree, "finish_trip")] == [0]

    story(tell)


def test_keys_of_their_own_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the event's data; for the first event, whose data is not kept, by the joins of what it emitted, if any."""
    keys = {"plan_trip": "data.legs", "book_leg": "data.leg"}
    functions = {
        name: function.model_copy(update={"idempotency": keys.get(name, "event.id")})
        for name, function in TOPOLOGY.functions.items()
    }
    topology = TOPOLOGY.model_copy(update={"functions": functions})
    monkeypatch.setattr(trip_desk, "TOPOLOGY", topology)

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=2))
        tree = await survey(desk, topology=topology)
        assert {branch.handling.state for _, branch in tree.walk()} == {State.DONE}
        assert len(of(tree, "count_leg")) == 2
        await desk.submit("j2", TripPlanned(legs=2))
        shared = await survey(desk, "j2", topology=topology)
        assert [branch.handling.state for _, branch in shared.walk()] == [State.DONE]
        await desk.submit("j3", TripPlanned(legs=0))
        joinless = await survey(desk, "j3", topology=topology)
        assert [branch.handling.state for _, branch in joinless.walk()] == [State.UNKNOWN]

    story(tell)


def test_a_job_that_is_not_there() -> None:
    """The error says what may be wrong."""

    async def tell(desk: TripDesk) -> None:
        with pytest.raises(ConfigurationError, match=r"there is no job j9: .*--project"):
            await survey(desk, "j9")

    story(tell)
