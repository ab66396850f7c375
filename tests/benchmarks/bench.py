"""The place where everybody is measured: real emulators, and each contender in processes of its own."""

import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

from tests.benchmarks.contenders import Contender, FunctionContender
from tests.benchmarks.dramatiq_contender import DramatiqContender, missing
from tests.benchmarks.figures import Sample
from tests.benchmarks.filler import Filler
from tests.benchmarks.meter import Meter
from tests.benchmarks.operations import Operations
from tests.benchmarks.pushes import submissions
from tests.benchmarks.recipes import Recipe, bundled, by_hand, office
from tests.benchmarks.scenarios import Scenario
from tests.benchmarks.starts import Start, start
from tests.benchmarks.tap import Tap
from tidegate_ops.broker import LocalBroker
from tidegate_ops.emulators import EmulatorsMissing, FirestoreEmulator, PubSubEmulator, find_missing
from tidegate_ops.function_service import Source

TIDEGATE, ASYNC, SYNC = "Tidegate", "async by hand", "sync by hand"
PURE, GATEWAY = "pure", "gateway"
FUNCTIONS = (TIDEGATE, ASYNC, SYNC)
COUNTED = (TIDEGATE, ASYNC)
"""Both ways of writing it by hand ask for the same."""
_PROJECTS = {TIDEGATE: "bench-tidegate", ASYNC: "bench-async", SYNC: "bench-sync"}
_TOPICS = ("letter.posted", "letter.copied", "dead.letters")
_HEAP_MB = 3072
"""Of the Firestore emulator: a full one would collect garbage instead of answering."""
T = TypeVar("T")


class Bench:
    """While entered, the emulators run, and all contenders wait for deliveries.

    Attributes:
        contenders: those that run, in the order of the tables.
        absent: why others do not.
    """

    def __init__(self, say: Callable[[str], None], *, warm_up: int, pure: bool) -> None:
        """
        Args:
            warm_up: how many deliveries everybody gets before anything is measured.
            pure: whether Tidegate's pure function is to run as well.
        """
        self.contenders: list[Contender] = []
        self.absent = missing()
        self._say = say
        self._warm_up = warm_up
        self._has_pure = pure
        self._pubsub = PubSubEmulator()
        self._firestore = FirestoreEmulator(heap_mb=_HEAP_MB)
        self._recipes: dict[str, Recipe] = {}
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        if lacking := find_missing():
            raise EmulatorsMissing(lacking)
        with ExitStack() as cleanup:
            self._say("starting the emulators")
            root = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
            for emulator in (self._pubsub, self._firestore):
                cleanup.callback(emulator.stop)
                emulator.start()
            project = office(root / "office")
            packed = bundled(project, ["copy_letter", "read_letter", "gateway"])  # while Java starts
            for emulator in (self._pubsub, self._firestore):
                emulator.wait_ready()
            self._write_recipes(root, packed)
            for name in _PROJECTS.values():
                self._make_topics(name)
            # In a process of its own, so that the load is no part of what reads the functions' output.
            self._generator = cleanup.enter_context(_generator())
            self.contenders = [self._function(label) for label in FUNCTIONS]
            if not self.absent:
                self.contenders.append(DramatiqContender(root, self._generator))
            for contender in self.contenders:
                cleanup.callback(contender.stop)
            with ThreadPoolExecutor() as starters:
                [*starters.map(self._start, self.contenders)]
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def compare(
        self, scenario: Scenario, runs: int, deliveries: int, on_run: Callable[[], None], *, among: Sequence[str] = ()
    ) -> Mapping[str, list[Sample]]:
        """Label → a sample of each round. In a round everybody takes a turn, each time in another order.

        Args:
            among: the labels of those who take part; all of them where none is named.
        """
        taking = [each for each in self.contenders if each.takes(scenario) and (not among or each.label in among)]
        samples: dict[str, list[Sample]] = {each.label: [] for each in taking}
        for number in range(runs):
            for contender in rotated(taking, number):
                samples[contender.label].append(self.measure(contender, scenario, deliveries))
                on_run()
        return samples

    def measure(self, contender: Contender, scenario: Scenario, deliveries: int) -> Sample:
        """One run, of events that nobody has seen; where duplicates are measured, that have just been seen once."""
        batch = _met(contender, scenario, deliveries)
        meter = Meter(contender.pid(scenario))
        emulators = [Meter(each.pid) for each in (self._pubsub, self._firestore) if each.pid]
        answers = contender.deliver(scenario, batch, deliveries)
        return Sample.of(answers, meter, sum(each.cpu_seconds() for each in emulators))

    def count(self, scenarios: Sequence[Scenario], deliveries: int) -> Mapping[str, Mapping[str, Operations]]:
        """Scenario → label → what a delivery asks for; by functions that talk to the emulators through a tap."""
        counted: dict[str, dict[str, Operations]] = {each.name: {} for each in scenarios}
        for label in COUNTED:
            with Tap(self._firestore.host, self._pubsub.host) as tap:
                tapped = {"FIRESTORE_EMULATOR_HOST": tap.host, "PUBSUB_EMULATOR_HOST": tap.host}
                contender = self._function(label, tapped)
                with self._started(contender):
                    for scenario in scenarios:
                        batch = _met(contender, scenario, deliveries)
                        tap.reset()
                        contender.deliver(scenario, batch, deliveries)
                        counted[scenario.name][label] = Operations.of(tap, scenario, deliveries)
        return counted

    def starts(self, runs: int, on_run: Callable[[], None]) -> Mapping[str, list[Start]]:
        """Label → cold starts, in turns."""
        started: dict[str, list[Start]] = {label: [] for label in FUNCTIONS}
        for number in range(runs):
            for label in rotated(FUNCTIONS, number):
                started[label].append(start(self._recipes[label]))
                on_run()
        return started

    @contextmanager
    def gateway(self) -> Iterator[Contender]:
        """The gateway while it runs: what is delivered to it are submissions."""
        contender = FunctionContender(GATEWAY, self._recipes[GATEWAY], self._generator, make=submissions)
        with self._started(contender):
            yield contender

    @contextmanager
    def filler(self) -> Iterator[Filler]:
        """What fills Tidegate's ledger, which is empty at first."""
        filler = Filler(self._firestore.host, _PROJECTS[TIDEGATE])
        filler.clear()
        try:
            yield filler
        finally:
            filler.close()

    def _function(self, label: str, environment: Mapping[str, str] | None = None) -> Contender:
        pure = self._recipes[PURE] if label == TIDEGATE and self._has_pure else None
        return FunctionContender(label, self._recipes[label], self._generator, pure=pure, environment=environment)

    @contextmanager
    def _started(self, contender: Contender) -> Iterator[None]:
        """The contender while it runs."""
        try:
            self._start(contender)
            yield
        finally:
            contender.stop()

    def _start(self, contender: Contender) -> None:
        """Start a contender, and have it import and connect what it needs."""
        self._say(f"starting {contender.label}")
        contender.start()
        for pure in {False, self._has_pure}:
            if contender.takes(scenario := Scenario("warming up", pure=pure)):
                contender.deliver(scenario, uuid4().hex[:8], self._warm_up)

    def _make_topics(self, project: str) -> None:
        with LocalBroker(self._pubsub.host, project) as broker:
            for topic in _TOPICS:
                broker.publisher.create_topic(name=broker.topic_path(topic))

    def _write_recipes(self, root: Path, packed: Mapping[str, Source]) -> None:
        sources = {
            TIDEGATE: packed["copy_letter"],
            PURE: packed["read_letter"],
            GATEWAY: packed["gateway"],
            ASYNC: by_hand("asynchronous", root / "asynchronous"),
            SYNC: by_hand("synchronous", root / "synchronous"),
        }
        names = {PURE: "read_letter", GATEWAY: "gateway"}
        hosts = {"PUBSUB_EMULATOR_HOST": self._pubsub.host, "FIRESTORE_EMULATOR_HOST": self._firestore.host}
        for label, source in sources.items():
            project = _PROJECTS.get(label, _PROJECTS[TIDEGATE])
            environment = {**hosts, "GOOGLE_CLOUD_PROJECT": project}
            self._recipes[label] = Recipe(names.get(label, "copy_letter"), source, environment)


def _generator() -> ProcessPoolExecutor:
    """A process for the load; a terminal's Ctrl-C is for whoever waits for it."""
    ignoring = (signal.SIGINT, signal.SIG_IGN)
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=signal.signal, initargs=ignoring)


def rotated(contenders: Sequence[T], number: int) -> Sequence[T]:
    """The order of a round: whoever was second in the one before is first."""
    first = number % len(contenders)
    return [*contenders[first:], *contenders[:first]]


def _met(contender: Contender, scenario: Scenario, deliveries: int) -> str:
    """The batch that the scenario asks for: of new events, or of known ones."""
    batch = uuid4().hex[:8]
    if scenario.duplicate:
        contender.deliver(replace(scenario, duplicate=False), batch, deliveries)
    return batch
