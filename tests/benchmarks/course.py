"""The whole of the benchmarks, or what was asked for of it, from first to last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.bench import ASYNC, FUNCTIONS, GATEWAY, TIDEGATE, Bench
from tests.benchmarks.figures import Sample
from tests.benchmarks.operations import Operations
from tests.benchmarks.scenarios import HEADLINE, SCENARIOS, Scenario
from tests.benchmarks.starts import Start
from tidegate_ops.demo.display import Display

STARTS, LEDGER, FAN_OUT = "cold start", "ledger growth", "fan-out growth"
PARTS = (*(each.name for each in SCENARIOS), GATEWAY, STARTS, LEDGER, FAN_OUT)
_CHILDREN = 2_000
"""That a run of the fan-out's growth publishes at least."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and how thoroughly.

    Attributes:
        runs: rounds of everything.
        deliveries: of a run of the plainest kind.
        warm_up: deliveries before anything is measured.
        counted: deliveries whose operations are counted.
        records: how many the ledger is filled up to, one after another.
        widths: of single fan-outs.
    """

    parts: Sequence[str] = PARTS
    runs: int = 5
    deliveries: int = 300
    warm_up: int = 100
    counted: int = 100
    records: Sequence[int] = (0, 20_000, 200_000)
    widths: Sequence[int] = (10, 100, 1_000, 10_000)
    in_flight: Sequence[int] = (1, 10, 80)

    @property
    def scenarios(self) -> list[Scenario]:
        return [each for each in SCENARIOS if each.name in self.parts]


@dataclass(slots=True)
class Findings:
    """What was measured; what was not asked for is empty.

    Attributes:
        comparisons: scenario → label → a sample of each round.
        operations: scenario → label → what a delivery asks for.
        starts: label → cold starts.
        gateway: requests in flight → samples.
        ledger: records in Tidegate's ledger → label → samples.
        fan_out: events that a delivery emits → label → samples.
        absent: why somebody was not measured; empty if everybody was.
    """

    comparisons: dict[str, Mapping[str, list[Sample]]] = field(default_factory=dict)
    operations: Mapping[str, Mapping[str, Operations]] = field(default_factory=dict)
    starts: Mapping[str, list[Start]] = field(default_factory=dict)
    gateway: dict[int, list[Sample]] = field(default_factory=dict)
    ledger: dict[int, Mapping[str, list[Sample]]] = field(default_factory=dict)
    fan_out: dict[int, Mapping[str, list[Sample]]] = field(default_factory=dict)
    absent: str = ""


class Course:
    """Carries a plan out, and shows how far it is."""

    def __init__(self, plan: Plan, display: Display) -> None:
        self._plan = plan
        self._display = display
        self._found = Findings()

    def run(self) -> Findings:
        """Measure everything that the plan asks for."""
        pure = any(each.pure for each in self._plan.scenarios)
        with Bench(self._display.say, warm_up=self._plan.warm_up, pure=pure) as bench:
            self._found.absent = bench.absent
            for scenario in self._plan.scenarios:
                on_run = self._progress(
                    scenario.name, self._plan.runs * sum(c.takes(scenario) for c in bench.contenders)
                )
                self._found.comparisons[scenario.name] = bench.compare(
                    scenario, self._plan.runs, scenario.deliveries(self._plan.deliveries), on_run
                )
            parts: Mapping[str, Callable[[Bench], None]] = {
                GATEWAY: self._gateway,
                STARTS: self._starts,
                FAN_OUT: self._fan_out,
                LEDGER: self._ledger,  # last: it leaves the emulator full
            }
            if self._plan.scenarios:
                self._display.say("counting operations")
                self._found.operations = bench.count(self._plan.scenarios, self._plan.counted)
            for name, part in parts.items():
                if name in self._plan.parts:
                    part(bench)
        return self._found

    def _gateway(self, bench: Bench) -> None:
        on_run = self._progress(GATEWAY, self._plan.runs * len(self._plan.in_flight))
        with bench.gateway() as gateway:
            for in_flight in self._plan.in_flight:
                self._found.gateway[in_flight] = []
                scenario = Scenario(GATEWAY, in_flight=in_flight)
                for _ in range(self._plan.runs):
                    self._found.gateway[in_flight].append(bench.measure(gateway, scenario, self._plan.deliveries))
                    on_run()

    def _starts(self, bench: Bench) -> None:
        on_run = self._progress(STARTS, self._plan.runs * len(FUNCTIONS))
        self._found.starts = bench.starts(self._plan.runs, on_run)

    def _fan_out(self, bench: Bench) -> None:
        on_run = self._progress(FAN_OUT, self._plan.runs * len(FUNCTIONS) * len(self._plan.widths))
        for width in self._plan.widths:
            scenario = Scenario(FAN_OUT, copies=width, in_flight=10)
            self._found.fan_out[width] = bench.compare(
                scenario, self._plan.runs, max(_CHILDREN // width, 1), on_run, among=FUNCTIONS
            )

    def _ledger(self, bench: Bench) -> None:
        """The baseline, whose own documents stay few, is there to tell what the machine does meanwhile."""
        measured = (TIDEGATE, ASYNC)
        on_run = self._progress(LEDGER, self._plan.runs * len(measured) * len(self._plan.records))
        written = 0
        with bench.filler() as filler:
            for records in self._plan.records:
                self._display.say(f"filling the ledger up to {records:,} records")
                filler.fill(records - written)
                written = records
                self._found.ledger[records] = bench.compare(
                    HEADLINE, self._plan.runs, self._plan.deliveries, on_run, among=measured
                )

    def _progress(self, name: str, total: int) -> Callable[[], None]:
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            self._display.show({name: (done, total)})

        return step
