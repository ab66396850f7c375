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

from contracts.flights import ManifestReceived
from tidegate.errors import ConfigurationError
from tidegate.events import Event, timestamp
from tidegate.messages import Message, Outgoing
from tidegate_ops.demo.display import Display
from tidegate_ops.demo.duplicates import Republisher, copy_of, is_chosen
from tidegate_ops.demo.manifests import make_manifests, read_flights, spoil
from tidegate_ops.demo.observation import Observation, observe
from tidegate_ops.demo.outcome import DeadLetterOutcome, Outcome, PartnerOutcome, function_outcomes, topic_outcomes
from tidegate_ops.demo.partner import Booking, Partner
from tidegate_ops.demo.progress import Patience, Progress
from tidegate_ops.demo.truth import Truth, check
from tidegate_ops.demo.world import Engine, Witness, World, open_world
from tidegate_ops.project import Project

SAMPLE = Path(__file__).parent / "data" / "flights-2013-02-08.csv"
"""The blizzard day."""

_SOURCE = "/demo"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is given.

    Attributes:
        flights: a day's CSV file.
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
        rows = read_flights(plan.flights)
        mixed, malformed = spoil(rows, plan.malformed, Random(plan.seed))  # noqa: S311 - keeps no secret
        self._manifests = make_manifests(mixed)
        self._truth = Truth.of(plan.flights, malformed)
        topology = project.topology()
        if strange := sorted(self._truth.handled.keys() - topology.functions.keys()):
            raise ConfigurationError(
                f"the demo is the flight operations desk's, whose functions {', '.join(strange)} are not in "
                f"{project.topology_path}: run it inside that project"
            )
        # A rejected row has been handled too, though it is never done.
        rejecting = self._truth.handled["assess_flight"] + len(malformed)
        self._progress = Progress(
            topology,
            expected={**self._truth.handled, "assess_flight": rejecting},
            published=len(self._manifests),
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
                f"publishing {len(self._manifests)} manifests with {self._truth.flights} flights "
                f"and {plan.malformed} malformed rows"
            )
            published = time.monotonic()
            world.publish([outgoing(manifest) for manifest in self._manifests])
            self._progress.wait(lambda: self._display.show(self._progress.handled()), plan.patience)
            processing = time.monotonic() - published
            self._display.say("comparing what is there with the truth")
            bookings = partner.log()
            observation = observe(world, bookings)
        return self._outcome(engine, observation, bookings, started_at, processing, time.monotonic() - began)

    def _see(self, republisher: Republisher, topic: str, message: Message) -> None:
        if self._progress.saw(topic, message):
            republisher.add(copy_of(topic, message))

    def _note(self, line: Mapping[str, Any]) -> None:
        self._lines.append(line)
        self._progress.delivered(line)

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
            days=sorted({manifest.date.isoformat() for manifest in self._manifests}),
            flights=self._truth.flights,
            malformed=len(self._truth.malformed),
            duplicates=self._plan.duplicates,
            started_at=timestamp(started_at),
            processing_seconds=round(processing, 2),
            total_seconds=round(total, 2),
            topics=topic_outcomes(self._progress),
            functions=function_outcomes(self._progress, self._lines),
            partner=PartnerOutcome.of(bookings),
            dead_letters=[DeadLetterOutcome.of(letter) for letter in observation.letters],
            checks=checks,
        )


def outgoing(manifest: ManifestReceived) -> Outgoing:
    """A manifest as it is published: its own name is the event's id."""
    event = Event(
        id=manifest.manifest_id,
        type=manifest.event_type,
        source=_SOURCE,
        data=manifest.to_json(),
        time=datetime.now(UTC),
        version=manifest.event_version,
    )
    return Outgoing(manifest.event_type, event.data, event.attributes())
