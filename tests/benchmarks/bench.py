"""The place where everybody is measured: real emulators, and each contender in processes of its own."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from tests.benchmarks.contenders import Contender, FunctionContender
from tests.benchmarks.figures import Sample
from tests.benchmarks.load import Answers
from tests.benchmarks.meter import Meter
from tests.benchmarks.recipes import Recipe, bundled, by_hand, office
from tests.benchmarks.scenarios import HEADLINE, Scenario
from tidegate_ops.broker import LocalBroker
from tidegate_ops.emulators import EmulatorsMissing, FirestoreEmulator, PubSubEmulator, find_missing

TIDEGATE, ASYNC, SYNC = "Tidegate", "async by hand", "sync by hand"
_PROJECTS = {TIDEGATE: "bench-tidegate", ASYNC: "bench-async", SYNC: "bench-sync"}
_TOPICS = ("letter.posted", "letter.copied", "dead.letters")
_HEAP_MB = 2048
"""Of the Firestore emulator: a full one would collect garbage instead of answering."""
_WARM_UP = 200


class Bench:
    """While entered, the emulators run, and all contenders wait for deliveries.

    Attributes:
        recipes: label → how its function is started; ``pure`` → how Tidegate's pure one is.
        contenders: those that run, in the order of the tables.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.recipes: dict[str, Recipe] = {}
        self.contenders: list[Contender] = []
        self._say = say
        self._pubsub = PubSubEmulator()
        self._firestore = FirestoreEmulator(heap_mb=_HEAP_MB)
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        if missing := find_missing():
            raise EmulatorsMissing(missing)
        with ExitStack() as cleanup:
            self._say("starting the emulators")
            for emulator in (self._pubsub, self._firestore):
                cleanup.enter_context(emulator)
            for project in _PROJECTS.values():
                self._make_topics(project)
            root = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
            self._write_recipes(root)
            # In a process of its own, so that the load is no part of what reads the functions' output.
            generator = cleanup.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
            self.contenders = [
                FunctionContender(TIDEGATE, self.recipes[TIDEGATE], generator, pure=self.recipes["pure"]),
                FunctionContender(ASYNC, self.recipes[ASYNC], generator),
                FunctionContender(SYNC, self.recipes[SYNC], generator),
            ]
            for contender in self.contenders:
                self._say(f"starting {contender.label}")
                cleanup.callback(contender.stop)
                contender.start()
                self._warm_up(contender)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def measure(self, contender: Contender, scenario: Scenario, deliveries: int) -> Sample:
        """One run, of events that nobody has seen.

        Raises:
            Refused: not every delivery was answered with success.
        """
        batch = uuid4().hex[:8]
        if scenario.duplicate:
            _check(contender.deliver(scenario, batch, deliveries), contender)
        meter = Meter(contender.pid(scenario))
        answers = _check(contender.deliver(scenario, batch, deliveries), contender)
        return Sample.of(answers, meter.cpu_seconds(), meter.peak_megabytes())

    def compare(
        self, scenario: Scenario, runs: int, deliveries: int, on_run: Callable[[], None]
    ) -> Mapping[str, list[Sample]]:
        """Label → a sample of each round. In a round everybody takes its turn, each time in another order."""
        taking = [each for each in self.contenders if each.takes(scenario)]
        samples: dict[str, list[Sample]] = {each.label: [] for each in taking}
        for number in range(runs):
            first = number % len(taking)
            for contender in (*taking[first:], *taking[:first]):
                samples[contender.label].append(self.measure(contender, scenario, scenario.deliveries(deliveries)))
                on_run()
        return samples

    def _make_topics(self, project: str) -> None:
        with LocalBroker(self._pubsub.host, project) as broker:
            for topic in _TOPICS:
                broker.publisher.create_topic(name=broker.topic_path(topic))

    def _write_recipes(self, root: Path) -> None:
        def environment(label: str) -> dict[str, str]:
            return {
                "GOOGLE_CLOUD_PROJECT": _PROJECTS[label],
                "PUBSUB_EMULATOR_HOST": self._pubsub.host,
                "FIRESTORE_EMULATOR_HOST": self._firestore.host,
            }

        self._say("bundling")
        ours = bundled(office(root / "office"), ["copy_letter", "read_letter", "gateway"], environment(TIDEGATE))
        self.recipes = {
            TIDEGATE: ours["copy_letter"],
            "pure": ours["read_letter"],
            "gateway": ours["gateway"],
            ASYNC: by_hand("asynchronous", root / "asynchronous", environment(ASYNC)),
            SYNC: by_hand("synchronous", root / "synchronous", environment(SYNC)),
        }

    def _warm_up(self, contender: Contender) -> None:
        """Have it import and connect what it needs, and meet every kind of delivery once."""
        for pure in (False, True):
            scenario = Scenario("warming up", pure=pure)
            _check(contender.deliver(scenario, uuid4().hex[:8], _WARM_UP), contender)


class Refused(RuntimeError):
    """A delivery was not answered with success, so that the run says nothing."""


def _check(answers: Answers, contender: Contender) -> Answers:
    if any(status != 200 and status != 204 for status in answers.statuses):
        raise Refused(f"{contender.label} answered {dict(answers.statuses)}")
    return answers
