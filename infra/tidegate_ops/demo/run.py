"""One run of the demo: a day at the desk, with faults on purpose, held against the truth."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tidegate.errors import ConfigurationError
from tidegate.events import timestamp
from tidegate.messages import Message
from tidegate.topology import Topology
from tidegate_ops.demo.comparison import check
from tidegate_ops.demo.display import Display
from tidegate_ops.demo.duplicates import Republisher, copy_of, is_chosen
from tidegate_ops.demo.manifests import make_days, read_flights, spoil
from tidegate_ops.demo.observation import Observation, observe
from tidegate_ops.demo.outcome import (
    DeadLetterOutcome,
    JobOutcome,
    Outcome,
    PartnerOutcome,
    function_outcomes,
    topic_outcomes,
)
from tidegate_ops.demo.partner import Booking, Partner
from tidegate_ops.demo.progress import Patience, Progress
from tidegate_ops.demo.submitter import EVENTS_OF_A_JOB, DayJob, Submitter
from tidegate_ops.demo.truth import Truth
from tidegate_ops.demo.world import Engine, Witness, World, open_world
from tidegate_ops.project import Project

SAMPLE = Path(__file__).parent / "data" / "flights-2013-02-08.csv"
"""The blizzard day."""

_GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is given.

    Attributes:
        flights: a CSV file of a day, or of several.
        seed: decides which messages are published twice, which rows are malformed, and which calls fail.
        malformed: how many malformed rows are added.
        duplicates: the share of all messages that is published twice.
        failure_rate: the share of the partner's calls that fails, half of them after booking.
    """

    flights: Path = SAMPLE
    seed: int = 1
    malformed: int = 12
    duplicates: float = 0.1
    failure_rate: float = 0.05
    latency_ms: float = 5
    partner_ignores_idempotency: bool = False
    patience: Patience = field(default_factory=Patience)


class Run:
    """One run of a plan. Use it once."""

    def __init__(self, project: Project, plan: Plan, display: Display) -> None:
        """
        Raises:
            UnreadableFlights: the file is no day's flights.
            ConfigurationError: the topology is not the desk's.
        """
        self._project = project
        self._plan = plan
        self._display = display
        self._lines: list[Mapping[str, Any]] = []
        self._jobs: dict[str, DayJob] = {}
        rows = read_flights(plan.flights)
        mixed, malformed = spoil(rows, plan.malformed, Random(plan.seed))  # noqa: S311 - keeps no secret
        self._days = make_days(mixed)
        self._truth = Truth.of(plan.flights, malformed)
        topology = project.topology()
        if strange := _strange(self._truth, topology):
            raise ConfigurationError(
                f"the demo is the flight operations desk's, whose functions {', '.join(strange)} are not in "
                f"{project.topology_path}: run it inside that project"
            )
        self._progress = Progress(
            topology,
            expected=self._truth.ended,
            published=EVENTS_OF_A_JOB * len(self._days),
            jobs=self._truth.days,
            is_copied=partial(is_chosen, seed=plan.seed, share=plan.duplicates),
        )

    def on(self, engine: Engine) -> Outcome:
        """Run it.

        Raises:
            Stalled: the application stopped to move; the message names what is outstanding.
        """
        began, started_at = time.monotonic(), datetime.now(UTC)
        plan = self._plan
        with ExitStack() as cleanup:
            partner = cleanup.enter_context(
                Partner(
                    failure_rate=plan.failure_rate,
                    latency_ms=plan.latency_ms,
                    honour_idempotency=not plan.partner_ignores_idempotency,
                    seed=plan.seed,
                )
            )
            republisher = Republisher(lambda copies: world.publish(copies), self._progress.fail)
            witness = Witness(partial(self._see, republisher), self._note, self._display.say)
            self._display.say(f"starting the application ({engine})")
            environment = {"REBOOKING_API_URL": partner.url}
            world: World = cleanup.enter_context(open_world(engine, self._project, environment, witness))
            cleanup.enter_context(republisher)
            self._display.say(
                f"submitting {self._truth.handled['split_manifest']} manifests with {self._truth.flights} flights "
                f"and {plan.malformed} malformed rows, as one job a day"
            )
            submitted = time.monotonic()
            cleanup.enter_context(
                Submitter(world.urls[_GATEWAY], self._days, on_news=self._hear, on_failure=self._progress.fail)
            )
            self._progress.wait(self._show, plan.patience)
            processing = time.monotonic() - submitted
            self._display.say("comparing what is there with the truth")
            bookings = partner.log()
            observation = observe(world, bookings, self._jobs.values())
        return self._outcome(engine, observation, bookings, started_at, processing, time.monotonic() - began)

    def _see(self, republisher: Republisher, topic: str, message: Message) -> None:
        if self._progress.saw(topic, message):
            republisher.add(copy_of(topic, message))

    def _note(self, line: Mapping[str, Any]) -> None:
        self._lines.append(line)
        self._progress.delivered(line)

    def _hear(self, job: DayJob) -> None:
        if job.day not in self._jobs:
            again = "the same job" if job.repeated == job.status.id else f"job {job.repeated}"
            accepted = f"accepted as job {job.status.id} in {job.accepted_seconds * 1000:.0f} ms"
            self._display.say(f"{job.day}: {accepted}; submitted again: {again}")
        self._jobs[job.day] = job
        self._progress.told(job.day, job.status)

    def _show(self) -> None:
        self._display.show(
            {"job" if len(self._days) == 1 else "jobs": self._progress.work(), **self._progress.handled()}
        )

    def _outcome(
        self,
        engine: Engine,
        observation: Observation,
        bookings: Sequence[Booking],
        started_at: datetime,
        processing: float,
        total: float,
    ) -> Outcome:
        checks = check(self._truth, observation.observed)
        return Outcome(
            exact=not any(checks.values()),
            engine=engine,
            seed=self._plan.seed,
            flights_file=str(self._plan.flights),
            days=sorted(self._truth.days),
            flights=self._truth.flights,
            malformed=len(self._truth.malformed),
            duplicates=self._plan.duplicates,
            started_at=timestamp(started_at),
            processing_seconds=round(processing, 2),
            total_seconds=round(total, 2),
            jobs={day: JobOutcome.of(job) for day, job in self._jobs.items()},
            topics=topic_outcomes(self._progress),
            functions=function_outcomes(self._progress, self._lines),
            partner=PartnerOutcome.of(bookings),
            dead_letters=[DeadLetterOutcome.of(letter) for letter in observation.letters],
            checks=checks,
        )


def _strange(truth: Truth, topology: Topology) -> list[str]:
    """What the demo needs and the topology does not have."""
    return sorted((truth.handled.keys() | {_GATEWAY}) - {*topology.functions, *topology.http_functions})
