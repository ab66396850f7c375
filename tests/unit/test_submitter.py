"""Days handed in at a gateway, and what their submitter is told of them."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.client import SubmissionRefused
from tidegate.jobs import JobState
from tidegate_ops.demo.manifests import make_days, read_flights
from tidegate_ops.demo.run import SAMPLE
from tidegate_ops.demo.submitter import DayJob, Submitter
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.project import Project

FRIDAY = [row for row in read_flights(SAMPLE) if row[3] != "NA"][:6]  # none cancelled: there is no partner here
SATURDAY = [(*row[:2], "9", *row[3:-1], row[-1].replace("02-08", "02-09")) for row in FRIDAY[:2]]
DAYS = make_days([*FRIDAY, *SATURDAY])


@pytest.fixture(scope="module")
def desk() -> Iterator[EmbeddedStack]:
    with EmbeddedStack(Project.find(Path(__file__).parent)) as running:
        yield running


class Ear:
    """What a submitter says."""

    def __init__(self) -> None:
        self.news: list[DayJob] = []
        self.failures: list[Exception] = []
        self.over = threading.Event()

    def hear(self, job: DayJob) -> None:
        self.news.append(job)
        if {each.day for each in self.news if each.status.settled} == {day.date.isoformat() for day in DAYS}:
            self.over.set()

    def fail(self, error: Exception) -> None:
        self.failures.append(error)
        self.over.set()


def test_each_day_is_one_job_though_it_is_handed_in_twice(desk: EmbeddedStack) -> None:
    """Its submitter hears of it from its acceptance until it has settled, with its result."""
    ear = Ear()
    with Submitter(desk.urls["gateway"], DAYS, on_news=ear.hear, on_failure=ear.fail):
        assert ear.over.wait(30)
    assert ear.failures == []
    assert [job.day for job in ear.news[:2]] == ["2013-02-08", "2013-02-09"]
    assert all(job.repeated == job.status.id for job in ear.news)
    last = {job.day: job.status for job in ear.news}
    assert [status.state for status in last.values()] == [JobState.SUCCEEDED] * 2
    assert [status.result["flights"] for status in last.values()] == [6, 2]
    assert all(0 < seconds < 30 for job in ear.news for seconds in (job.accepted_seconds, job.repeated_seconds))


def test_a_refusal_is_told(desk: EmbeddedStack) -> None:
    """Whoever waits for the jobs must not wait for ever."""
    ear = Ear()
    with Submitter(desk.urls["board"], DAYS, on_news=ear.hear, on_failure=ear.fail):
        assert ear.over.wait(30)
    assert [type(error) for error in ear.failures] == [SubmissionRefused]
    assert ear.news == []


def test_leaving_ends_the_waiting() -> None:
    """Be it before the first job is accepted; that is no failure."""
    ear = Ear()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Submitter(url, DAYS, on_news=ear.hear, on_failure=ear.fail):
            pass
    assert (ear.news, ear.failures) == ([], [])
