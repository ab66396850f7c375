"""Jobs as trees: settled when everything that was caused has settled, and once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from tests.unit.trip_desk import NOON, TripDesk, TripPlanned
from tidegate.dead_letters import DeadLetter
from tidegate.jobs import Job, JobState, Progress
from tidegate.messages import Outgoing
from tidegate.records import Failure, Fault
from tidegate.testing.delivery import TRACE
from tidegate.testing.virtual_loop import run
from tidegate.verdicts import Verdict
from tidegate_ops.demo.duplicates import copy_of

T = TypeVar("T")


def story(tell: Callable[[TripDesk], Awaitable[T]]) -> T:
    async def told() -> T:
        return await tell(TripDesk())

    return run(told())


def test_a_job_succeeds_when_all_has_settled() -> None:
    """It has the result that a handler set after the gathering, and knows how much there was."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=3))
        job = await desk.job("j1")
        assert (job.state, job.result, job.failures) == (JobState.SUCCEEDED, '{"legs": 3}', ())
        assert desk.calls[-1] == ("finish_trip", 3)
        assert sorted(desk.calls[:-1]) == [
            (name, leg) for name in ("bill_leg", "book_leg", "count_leg") for leg in range(3)
        ]
        # The trip, its gathering of 3 legs and what follows, 2 functions for each booked leg.
        assert await desk.jobs.progress("j1") == Progress(known=1 + 1 + 3 + 1 + 6, settled=12)

    story(tell)


@pytest.mark.parametrize("legs", [0, 1, 2, 64, 65, 200])
def test_a_job_of_any_width_settles(legs: int) -> None:
    """However wide the fan-out, and however many documents count it."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=legs))
        job = await desk.job("j1")
        assert job.state is JobState.SUCCEEDED
        assert sum(name == "finish_trip" for name, _ in desk.calls) == 1
        progress = await desk.jobs.progress("j1")
        assert progress.known == progress.settled

    story(tell)


def test_what_is_delivered_twice_settles_once() -> None:
    """Every message of the job is published once more; nothing is counted twice."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=70), times=2)
        job, calls = await desk.job("j1"), list(desk.calls)
        before = await desk.jobs.progress("j1")
        await desk.publish([copy_of(topic, message) for topic, message in list(desk.messages)])
        assert await desk.job("j1") == job
        assert desk.calls == calls
        assert await desk.jobs.progress("j1") == before

    story(tell)


def test_a_failed_job_names_its_failures_and_is_undone_in_reverse() -> None:
    """A leg that is given up makes the job fail; all legs are dropped, one after another, the last first."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=3, full=(1,)), callback_url="https://example.com/hook")
        job = await desk.job("j1")
        assert job.state is JobState.FAILED
        assert [(each.function, each.reason) for each in job.failures] == [("book_leg", "full")]
        dropped = [leg for name, leg in desk.calls if name == "drop_leg"]
        assert sorted(dropped) == [0, 1, 2]
        assert ("finish_trip", 3) in desk.calls
        assert [call for call in desk.calls if call[0] == "notify"] == [("notify", "failed")]

    story(tell)


def test_a_redrive_before_the_end_is_waited_for() -> None:
    """A unit that was given up counts as unsettled again when it is redriven, and so does all that it had closed."""

    async def tell(desk: TripDesk) -> None:
        async def mend(leg: int) -> None:
            # While the last leg is still being booked, the first one dies and comes back.
            if leg == 1 and not desk.mended:
                await asyncio.sleep(5)
                desk.mended = True
                asyncio.get_running_loop().create_task(desk.redrive())
                await asyncio.sleep(5)

        desk.on_booking = mend
        await desk.submit("j1", TripPlanned(legs=2, full=(0,)))
        job = await desk.job("j1")
        assert (job.state, job.failures) == (JobState.SUCCEEDED, ())
        progress = await desk.jobs.progress("j1")
        assert progress.known == progress.settled

    story(tell)


def test_a_redrive_after_the_end_changes_no_outcome() -> None:
    """The work is done after all, and the job stays as it was settled."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=2, full=(0,)))
        before, progress = await desk.job("j1"), await desk.jobs.progress("j1")
        assert before.state is JobState.FAILED
        desk.mended = True
        await desk.redrive()
        assert ("count_leg", 0) in desk.calls
        assert (await desk.job("j1"), await desk.jobs.progress("j1")) == (before, progress)
        assert desk.calls.count(("finish_trip", 2)) == 1

    story(tell)


def test_a_cancelled_job_sheds_what_has_not_started() -> None:
    """No dead letters for it; what had been done is undone, and the job ends as cancelled."""

    async def tell(desk: TripDesk) -> None:
        async def cancel(leg: int) -> None:
            if leg == 0:
                await asyncio.sleep(3)  # longer than it takes the others to be asked for
                await desk.jobs.cancel("j1")

        desk.on_booking = cancel
        await desk.submit("j1", TripPlanned(legs=200))
        job = await desk.job("j1")
        assert job.state is JobState.CANCELLED
        assert {each.fault for each in job.failures} == {Fault.CANCELLED}
        assert not desk.published("dead.letters")
        assert Verdict.SHED in {each.verdict for each in desk.reports}
        booked = [leg for name, leg in desk.calls if name == "book_leg"]
        dropped = [leg for name, leg in desk.calls if name == "drop_leg"]
        assert sorted(dropped) == sorted(booked)

    story(tell)


def test_a_settled_job_is_not_cancelled() -> None:
    """It stays as it is."""

    async def tell(desk: TripDesk) -> tuple[Job, Job | None]:
        await desk.submit("j1", TripPlanned(legs=1))
        return await desk.job("j1"), await desk.jobs.cancel("j1")

    before, after = story(tell)
    assert after == before


def test_what_the_broker_gave_up_counts_as_given_up() -> None:
    """A unit that Pub/Sub's own dead-letter policy forwards never reached its function: the job waits no longer."""

    async def told() -> None:
        desk = TripDesk(without="count_leg")
        await desk.submit("j1", TripPlanned(legs=1))
        assert (await desk.job("j1")).state is JobState.RUNNING
        [booked] = desk.published("leg.booked")
        forwarded = {"CloudPubSubDeadLetterSourceSubscription": "count-leg"}
        letter = Outgoing("dead.letters", booked.data, {**booked.attributes, **forwarded})
        await desk.publish([letter, letter])
        job = await desk.job("j1")
        assert job.state is JobState.FAILED
        assert [(each.function, each.fault) for each in job.failures] == [("count_leg", Fault.UNDELIVERABLE)]

    run(told())


def test_a_death_is_counted_by_whoever_comes_to_it() -> None:
    """A function may die between its letter and the count; Pub/Sub then gives up on the message as well."""

    async def told() -> None:
        desk = TripDesk(without="count_leg")
        await desk.submit("j1", TripPlanned(legs=1))
        [booked] = desk.published("leg.booked")
        why = Failure(Fault.REJECTED, "no such leg")
        own = DeadLetter.build("count_leg", booked.attributes["ce-id"], why, booked, attempts=1, died_at=NOON)
        await desk.publish([own.outgoing("dead.letters", TRACE)])
        assert (await desk.job("j1")).state is JobState.RUNNING
        forwarded = {"CloudPubSubDeadLetterSourceSubscription": "count-leg"}
        await desk.publish([Outgoing("dead.letters", booked.data, {**booked.attributes, **forwarded})])
        assert (await desk.job("j1")).state is JobState.FAILED
        [filed] = desk.application.documents.list("dead_letters")
        assert filed.fields["reason"] == "no such leg"

    run(told())


def test_untracked_events_leave_no_trace_of_jobs() -> None:
    """An event that was published straight to its topic has no job, and its gathering ends all the same."""

    async def tell(desk: TripDesk) -> None:
        await desk.submit("j1", TripPlanned(legs=0))
        [message] = desk.published("trip.planned")
        plain = {name: value for name, value in message.attributes.items() if not name.startswith("tidegate-")}
        data = TripPlanned(legs=2).to_json()
        await desk.publish([Outgoing("trip.planned", data, plain | {"ce-id": "untracked"})])
        assert desk.calls.count(("finish_trip", 2)) == 1
        assert desk.documents("jobs") == ["j1"]

    story(tell)
