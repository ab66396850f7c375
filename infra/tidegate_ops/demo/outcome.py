"""How a run went, as `build/run.json` keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from tidegate_ops.demo.figures import function_figures
from tidegate_ops.demo.observation import Letter
from tidegate_ops.demo.partner import Booking
from tidegate_ops.demo.progress import Progress
from tidegate_ops.demo.submitter import DayJob


class TopicOutcome(BaseModel):
    """What passed on a topic.

    Attributes:
        messages: all of them.
        events: different ones.
        published_twice: how many the demo published once more; further repeats are the runtime's own.
    """

    model_config = ConfigDict(frozen=True)

    messages: int
    events: int
    published_twice: int


class FunctionOutcome(BaseModel):
    """How one function did.

    Attributes:
        handled, expected: events brought to an end, and how many it had to.
        deliveries: verdict → how many deliveries ended so.
        per_second: events brought to an end, between its first receipt and its last answer.
        p50_ms, p99_ms: from publish to done, queueing and retries included.
        handler_p50_ms: from receipt to answer.
    """

    model_config = ConfigDict(frozen=True)

    handled: int
    expected: int
    deliveries: dict[str, int]
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    handler_p50_ms: float | None


class JobOutcome(BaseModel):
    """How one day's job went.

    Attributes:
        accepted_ms: from the submission until the gateway had accepted it.
        repeated_ms: the same for the submission that was repeated.
        settled_seconds: from its acceptance until it had settled, by its own times; its submitter was told later.
        work: how many units of work it came to.
        failures: how many of them were given up, as far as the job names them.
        result: JSON.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    accepted_ms: float
    repeated_ms: float
    settled_seconds: float
    work: int
    failures: int
    result: Any

    @classmethod
    def of(cls, job: DayJob) -> Self:
        """What is told of a job that has settled."""
        status = job.status
        assert status.accepted_at
        assert status.settled_at
        return cls(
            id=status.id,
            state=status.state,
            accepted_ms=round(job.accepted_seconds * 1000, 1),
            repeated_ms=round(job.repeated_seconds * 1000, 1),
            settled_seconds=round((status.settled_at - status.accepted_at).total_seconds(), 2),
            work=status.progress.known,
            failures=len(status.failures),
            result=status.result,
        )


class DeadLetterOutcome(BaseModel):
    """A dead letter on file, and the flight number of the row in it."""

    model_config = ConfigDict(frozen=True)

    id: str
    function: str
    fault: str
    attempts: int
    reason: str
    flight: str

    @classmethod
    def of(cls, letter: Letter) -> Self:
        """What is told of a letter."""
        row = letter.row
        return cls(
            id=letter.id,
            function=row.function,
            fault=letter.fault,
            attempts=letter.attempts,
            reason=row.reason,
            flight=row.record.get("flight", ""),
        )


class PartnerOutcome(BaseModel):
    """What the partner's own log says.

    Attributes:
        bookings: how many were made.
        repeated_calls: calls for a booking that was made already, which only their idempotency key told.
    """

    model_config = ConfigDict(frozen=True)

    bookings: int
    repeated_calls: int

    @classmethod
    def of(cls, bookings: Sequence[Booking]) -> Self:
        """The sums of a log."""
        return cls(bookings=len(bookings), repeated_calls=sum(booking.calls - 1 for booking in bookings))


class Outcome(BaseModel):
    """One run: what it was given, what happened, and every difference from the truth.

    Attributes:
        exact: nothing differs.
        duplicates: the share of all messages that was published twice.
        processing_seconds: from the first submission until everything had settled, and its submitter knew.
        total_seconds: from the start of the application until its end.
        jobs: day → its job.
        checks: what was compared → the differences found.
    """

    model_config = ConfigDict(frozen=True)

    exact: bool
    engine: str
    seed: int
    flights_file: str
    days: list[str]
    flights: int
    malformed: int
    duplicates: float
    started_at: str
    processing_seconds: float
    total_seconds: float
    jobs: dict[str, JobOutcome]
    topics: dict[str, TopicOutcome]
    functions: dict[str, FunctionOutcome]
    partner: PartnerOutcome
    dead_letters: list[DeadLetterOutcome]
    checks: dict[str, list[str]]

    @property
    def differences(self) -> list[str]:
        """Every difference of every check."""
        return [line for lines in self.checks.values() for line in lines]


def topic_outcomes(progress: Progress) -> dict[str, TopicOutcome]:
    """Of every topic on which anything passed."""
    return {
        topic: TopicOutcome(messages=count.messages, events=count.events, published_twice=count.copies)
        for topic, count in progress.topics().items()
        if count.messages
    }


def function_outcomes(progress: Progress, lines: Sequence[Mapping[str, Any]]) -> dict[str, FunctionOutcome]:
    """Of every function that was delivered anything, or should have been."""
    figures, outcomes = function_figures(lines), {}
    for name, (handled, expected) in progress.handled().items():
        if name in figures:
            outcomes[name] = FunctionOutcome(handled=handled, expected=expected, **asdict(figures[name]))
    return outcomes
