"""Jobs and their trees in Firestore: on the memory client and on the emulator."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud.firestore import AsyncClient

from tests.contract.rpc_counter import RpcCounter, counted_firestore
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.errors import StoreUnavailable, WriteConflict
from tidegate.jobs import COMPENSATION, Compensation, Growth, JobFailure, JobState, Mark, NewJob, Node, Progress, Turn
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Member
from tidegate.records import Fault
from tidegate.testing import NOON

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(days=45)
_ENDS = (JobState.COMPENSATING, JobState.SUCCEEDED, JobState.FAILED)


@pytest.fixture
def jobs(client: AsyncClient) -> FirestoreJobs:
    """The jobs under test."""
    return FirestoreJobs(client)


def new_job(*functions: str) -> NewJob:
    """A job that no other test uses."""
    event = Outgoing("order.placed", b"{}", {"ce-id": "e1"})
    return NewJob(secrets.token_hex(16), event, functions or ("pack",), "hash", NOON, LATER, "https://a.example/")


async def settle(jobs: FirestoreJobs, member: Member, *, failure: JobFailure | None = None) -> float | None:
    """Count a unit, as the commit of its record does."""
    growth = Growth(member.job, f"unit-{member.node}-{member.index}", LATER, member, failure)
    return await jobs.commit(jobs.joined(None, growth))


def failure(reason: str) -> JobFailure:
    return JobFailure("pack", "e1", "order.placed", Fault.REJECTED, reason, 1, NOON)


def next_millisecond() -> None:
    """Firestore's own timestamps are no finer; commits that follow from one another are farther apart."""
    until = datetime.now(UTC) + timedelta(milliseconds=1)
    while datetime.now(UTC) <= until:
        pass


async def test_a_job_is_accepted_once(jobs: FirestoreJobs) -> None:
    """Whoever accepts it again gets the one that is there."""
    new = new_job()
    first = await jobs.accept(new)
    assert (first.state, first.functions, first.version) == (JobState.RUNNING, ("pack",), None)
    again = await jobs.accept(new)
    assert again == first == await jobs.read(new.id)
    assert again.version is not None
    assert await jobs.read("0" * 32) is None


@pytest.mark.parametrize(
    ("away", "stands"), [(1, False), (1, True), (2, False)], ids=["once", "once, and it stands", "twice"]
)
async def test_an_acceptance_that_nobody_answered_is_made_again(client: AsyncClient, away: int, stands: bool) -> None:
    """Once, whether it stands by then or not: after an idle time the connection to Firestore may be gone."""
    jobs, new = FirestoreJobs(client), new_job()
    commit, failures = client._firestore_api.commit, [ServiceUnavailable("reset")] * away

    async def unanswered(**request: Any) -> Any:
        if not failures:
            return await commit(**request)
        if stands:
            await commit(**request)
        raise failures.pop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._firestore_api, "commit", unanswered)
        if away == 1:
            assert await jobs.accept(new) == await jobs.read(new.id)
        else:
            with pytest.raises(StoreUnavailable):
                await jobs.accept(new)
    assert failures == []


async def test_the_last_unit_sees_that_it_is_the_last(jobs: FirestoreJobs) -> None:
    """From its write's own result; the tally is then complete, and closed once."""
    new = new_job("a", "b")
    await jobs.accept(new)
    assert await settle(jobs, Member(new.id, ROOT, 0, 2)) == 1
    assert await jobs.progress(new.id) == Progress(known=2, settled=1)
    assert await settle(jobs, Member(new.id, ROOT, 1, 2)) == 2
    stored = await jobs.tally(Member(new.id, ROOT, 0, 2).tally)
    assert stored is not None
    assert (stored.complete, stored.closed) == (True, False)
    job = await jobs.read(new.id)
    assert job is not None
    assert await jobs.close(stored, None, Turn(job, JobState.SUCCEEDED)) is None
    with pytest.raises(WriteConflict):
        await jobs.close(stored, None, Turn(job, JobState.FAILED))
    ended = await jobs.read(new.id)
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert ended.settled_at is not None
    assert await jobs.cancel(new.id) == ended


async def test_a_closed_tally_counts_above(jobs: FirestoreJobs) -> None:
    """In the same commit; and what is reopened counts as open there, too."""
    new = new_job("a")
    await jobs.accept(new)
    up = Member(new.id, ROOT, 0, 1)
    node = Node(new.id, "n", 100, up)
    await jobs.commit(jobs.joined(None, Growth(new.id, "record", LATER, nodes=[node])))
    for index in range(100):
        await settle(jobs, Member(new.id, "n", index, 100), failure=failure("full") if index == 7 else None)
    assert await jobs.failed(new.id)
    for index in (0, 1):  # a hundred units are counted by two tallies
        member = Member(new.id, "n", index, 100)
        stored = await jobs.tally(member.tally)
        assert stored is not None
        assert stored.above(member) == Member(new.id, "n", index, 2, 1)
        assert await jobs.close(stored, stored.above(member), None) == index + 1
    whole = Member(new.id, "n", 0, 2, 1)
    stored = await jobs.tally(whole.tally)
    assert stored is not None
    assert (stored.complete, stored.node) == (True, node)
    assert await jobs.close(stored, stored.above(whole), None) == 1
    assert await jobs.progress(new.id) == Progress(known=101, settled=101)

    await jobs.commit(await jobs.reopened(Member(new.id, "n", 7, 100), "unit-n-7", None))
    assert not await jobs.failed(new.id)
    assert await jobs.progress(new.id) == Progress(known=101, settled=99)
    opened = [await jobs.tally(each) for each in (Member(new.id, "n", 7, 100).tally, whole.tally, up.tally)]
    assert [(each.settled, each.closed) for each in opened if each] == [(49, False), (1, False), (0, False)]


async def test_a_reopening_meets_a_closing(jobs: FirestoreJobs) -> None:
    """One of the two stands: a tally that was closed meanwhile is not opened unseen."""
    new = new_job("a")
    await jobs.accept(new)
    member = Member(new.id, ROOT, 0, 1)
    await settle(jobs, member, failure=failure("full"))
    stored, job = await jobs.tally(member.tally), await jobs.read(new.id)
    assert stored is not None
    assert job is not None
    reopening = await jobs.reopened(member, "unit-root-0", None)
    await jobs.close(stored, None, Turn(job, JobState.FAILED))
    with pytest.raises(WriteConflict):
        await jobs.commit(reopening)
    # Afterwards nothing is opened any more, and the failure stays.
    with pytest.raises(StoreUnavailable, match="has ended meanwhile"):
        await jobs.reopened(member, "unit-root-0", None)
    ended, late = await jobs.read(new.id), await jobs.tally(member.tally)
    assert ended is not None
    assert [each.reason for each in ended.failures] == ["full"]
    assert late is not None
    assert (late.settled, late.closed) == (1, True)


async def test_a_mark_says_that_a_unit_is_counted(jobs: FirestoreJobs) -> None:
    """It cannot be counted twice, and whoever takes it up again writes in the mark's place."""
    new = new_job("a", "b")
    await jobs.accept(new)
    growth = Growth(new.id, "shared", LATER, Member(new.id, ROOT, 0, 2), mark=Mark(counted=True, redrive=0))
    assert await jobs.mark(new.id, "shared") == Mark(counted=False, redrive=0, version=None)
    assert await jobs.commit(jobs.joined(None, growth)) == 1
    counted = await jobs.mark(new.id, "shared")
    assert counted.version is not None
    assert replace(counted, version=None) == growth.mark
    with pytest.raises(WriteConflict):
        await jobs.commit(jobs.joined(None, growth))

    taken_up = Growth(new.id, "shared", LATER, mark=replace(counted, counted=False, redrive=1))
    reopening = await jobs.reopened(Member(new.id, ROOT, 0, 2), "shared", None)
    await jobs.commit(jobs.joined(reopening, taken_up))
    assert await jobs.progress(new.id) == Progress(known=2, settled=0)
    with pytest.raises(WriteConflict):
        await jobs.commit(jobs.joined(None, replace(growth, mark=counted)))
    open_again = await jobs.mark(new.id, "shared")
    assert (open_again.counted, open_again.redrive) == (False, 1)
    assert await jobs.commit(jobs.joined(None, replace(growth, mark=replace(open_again, counted=True)))) == 1
    assert await jobs.progress(new.id) == Progress(known=2, settled=1)


async def test_unsettled_jobs_are_counted_by_topic(jobs: FirestoreJobs) -> None:
    """Those that run or compensate, up to a bound; what has settled or is of another topic is left out."""
    topic = f"order.{secrets.token_hex(4)}"
    new = [replace(new_job(), event=Outgoing(topic, b"{}", {"ce-id": "e1"})) for _ in range(6)]
    await jobs.accept(new_job())
    for each, state in zip(new, [None, None, None, *_ENDS], strict=True):
        await jobs.accept(each)
        if state is not None:
            await turn(jobs, each.id, state)
    assert await jobs.unsettled(topic, NOON, 10) == 4
    assert [await jobs.unsettled(topic, NOON, most) for most in (1, 4, 5)] == [1, 4, 4]
    assert await jobs.unsettled("order.unknown", NOON, 10) == 0


async def test_only_young_jobs_are_counted(jobs: FirestoreJobs) -> None:
    """Those accepted since; a whole day is the grain, so that no index grows at one end alone."""
    topic = f"order.{secrets.token_hex(4)}"
    for hours in (0, 11, 13, 40):
        event = Outgoing(topic, b"{}", {"ce-id": "e1"})
        await jobs.accept(replace(new_job(), event=event, accepted_at=NOON - timedelta(hours=hours)))
    counted = [await jobs.unsettled(topic, NOON - timedelta(hours=hours), 10) for hours in (-13, 0, 12, 13, 36, 37)]
    assert counted == [0, 2, 2, 3, 3, 4]


async def test_counting_costs_one_query(firestore_emulator: Any) -> None:
    """With its limit, which bounds what Firestore looks at and charges for."""
    asked: list[Any] = []

    class Noting(RpcCounter):
        def count(self, method: str, request: Any) -> None:
            super().count(method, request)
            asked.append(request)

    counter = Noting()
    client = counted_firestore(firestore_emulator.host, "contract-tests", counter)
    assert await FirestoreJobs(client).unsettled("order.placed", NOON, 123) <= 123
    await client._firestore_api.transport.close()
    assert (counter.others, counter.gets, counter.writes) == (1, 0, 0)
    [request] = asked
    query = request.structured_aggregation_query.structured_query
    assert (request.structured_aggregation_query.aggregations[0]._pb.HasField("count"), query.limit) == (True, 123)


async def turn(jobs: FirestoreJobs, job: str, state: JobState) -> None:
    """Let the job, of one unit, come to this state."""
    member = Member(job, ROOT, 0, 1)
    await settle(jobs, member)
    stored, found = await jobs.tally(member.tally), await jobs.read(job)
    assert stored is not None
    assert found is not None
    await jobs.close(stored, None, Turn(found, state))


async def test_a_cancellation_is_asked_for(jobs: FirestoreJobs) -> None:
    """A running job knows it; asking twice is as good as once, and a turn decided upon before is refused."""
    new = new_job()
    await jobs.accept(new)
    member = Member(new.id, ROOT, 0, 1)
    await settle(jobs, member)
    stored, before = await jobs.tally(member.tally), await jobs.read(new.id)
    assert stored is not None
    assert before is not None
    assert not await jobs.cancelled(new.id)
    first = await jobs.cancel(new.id)
    assert first == await jobs.cancel(new.id)
    assert await jobs.cancelled(new.id)
    with pytest.raises(WriteConflict):
        await jobs.close(stored, None, Turn(before, JobState.SUCCEEDED))
    assert await jobs.cancel("0" * 32) is None


async def test_compensations_come_the_last_first(jobs: FirestoreJobs) -> None:
    """In the reverse order of the commits that registered them, and of their names within one."""
    new = new_job()
    await jobs.accept(new)
    member = Member(new.id, ROOT, 0, 1)

    def compensation(name: str) -> Compensation:
        message = Outgoing("order.dropped", name.encode(), {"ce-id": name})
        return Compensation(Node(new.id, COMPENSATION + name, 1), message, LATER)

    early = [compensation("z.00000"), compensation("z.00001")]
    await jobs.commit(jobs.joined(None, Growth(new.id, "one", LATER, compensations=early)))
    next_millisecond()
    await jobs.commit(jobs.joined(None, Growth(new.id, "two", LATER, compensations=[compensation("a.00000")])))
    await settle(jobs, member)
    stored, job = await jobs.tally(member.tally), await jobs.read(new.id)
    assert stored is not None
    assert job is not None
    await jobs.close(stored, None, Turn(job, JobState.COMPENSATING))
    names, done = [], ""
    while following := await jobs.next_compensation(new.id, done):
        await jobs.begin(following)
        await jobs.begin(following)
        assert await settle(jobs, Member(new.id, following.node.id, 0, 1)) == 1
        await jobs.begin(following)
        done = following.node.id
        names.append(following.message.data.decode())
    assert names == ["a.00000", "z.00001", "z.00000"]
    assert await jobs.progress(new.id) == Progress(known=4, settled=4)
    ended = await jobs.settle(new.id)
    assert ended is not None
    assert ended.state is JobState.FAILED
    assert await jobs.settle(new.id) == ended
