"""The client and this application's own gateway understand each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.flights import ManifestReceived
from contracts.notes import NoteEdited
from tidegate.client import Client, JobFailed, JobNotFound, SubmissionRefused
from tidegate.jobs import JobState
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.project import Project

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The application's gateway, in this process."""
    with EmbeddedStack(Project.find(Path(__file__).parent)) as stack:
        yield stack.urls["gateway"]


def note(number: int) -> NoteEdited:
    return NoteEdited(flight_id=f"EV{number}-EWR-20130208", base_version=0, text="Gate 7", editor="zoe")


async def test_a_job_is_followed_to_its_end(address: str) -> None:
    """Submitted, followed, awaited, and too late to cancel."""
    async with Client(address) as client:
        job = await client.submit(note(1), key="EV1", idempotency_key="note-1")
        assert (await client.submit(note(1), key="EV1", idempotency_key="note-1")).id == job.id
        assert [status async for status in job.updates()][-1].state is JobState.SUCCEEDED
        assert await job is None
        assert (await job.cancel()).state is JobState.SUCCEEDED


async def test_a_failure_is_told(address: str) -> None:
    """With the function that gave up, and its reason."""
    rows = ManifestReceived.model_validate({"manifest_id": "m", "origin": "EWR", "date": "2013-02-08", "csv": "a\n1\n"})
    async with Client(address) as client:
        with pytest.raises(JobFailed) as caught:
            await (await client.submit(rows))
    assert [each.function for each in caught.value.failures] == ["assess_flight"]


async def test_a_batch_is_told_of_line_by_line(address: str) -> None:
    """Good lines become jobs, bad ones are refused, and repeating all of it changes nothing."""
    events = [note(2).model_dump(), {"editor": "zoe"}]
    async with Client(address) as client:
        first, again = [
            [outcome async for outcome in client.submit_many(events, topic="note.edited", idempotency_key="notes")]
            for _ in range(2)
        ]
        assert first[0].job
        assert again[0].job
        assert first[0].job.id == again[0].job.id
        assert first[1].refusal
        assert first[1].refusal.problem.errors[0].pointer == "/flight_id"
        assert await first[0].job is None


async def test_refusals_are_understood(address: str) -> None:
    """An unknown topic and an unknown job."""
    async with Client(address) as client:
        with pytest.raises(SubmissionRefused, match="not among the accepted topics") as caught:
            await client.submit(topic="no.topic", data={})
        assert caught.value.problem.type == "urn:tidegate:problem:unknown-topic"
        with pytest.raises(JobNotFound):
            await client.job("0" * 32)
