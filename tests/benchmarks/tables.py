"""What was measured as tables: in a terminal, and in Markdown for docs/performance.md."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table as RichTable

from tests.benchmarks.bench import ASYNC, COUNTED, SYNC, TIDEGATE
from tests.benchmarks.course import Findings
from tests.benchmarks.dramatiq_contender import LABEL as DRAMATIQ
from tests.benchmarks.figures import Figure, Sample, Spread, ratio, spread
from tests.benchmarks.scale import RATES, Scale
from tests.benchmarks.scenarios import HEADLINE
from tests.benchmarks.starts import Start
from tests.benchmarks.targets import ledger_growth, targets

NOTHING = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a heading for each column, and cells; the first of a row says what the row is about."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table in Markdown, numbers to the right."""
        lines = [self.columns, ["---", *("---:" for _ in self.columns[1:])], *self.rows]
        return f"### {self.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def rich(self) -> RichTable:
        """The table for a terminal, which has no room for more than medians."""
        table = RichTable(self.columns[0], title=self.title, title_justify="left")
        for column in self.columns[1:]:
            table.add_column(column, justify="right")
        for row in self.rows:
            table.add_row(*(cell.partition(" (")[0] for cell in row))
        return table


def tables(found: Findings) -> Iterator[Table]:
    """A table for everything that was measured."""
    if found.comparisons:
        yield _processors(found.comparisons)
        yield _beside(found.comparisons, ASYNC)
        yield _beside(found.comparisons, SYNC)
        yield _operations(found)
    if found.gateway:
        yield _gateway(found.gateway)
    if found.starts:
        yield _starts(found.starts)
    if found.ledger:
        yield _ledger(found.ledger)
    if found.fan_out:
        yield _fan_out(found.fan_out)
    if arms := found.comparisons.get(HEADLINE.name):
        yield scale_table(round(_median_of(arms[TIDEGATE])))
    if rows := [[each.promise, each.bound_text, each.measured_text, each.judgement] for each in targets(found)]:
        yield Table("Targets", ["target", "bound", "measured", "met"], rows)


def _cpu(sample: Sample) -> float:
    return sample.cpu_us


def _processors(comparisons: Mapping[str, Mapping[str, list[Sample]]]) -> Table:
    others = [ASYNC, SYNC, DRAMATIQ]
    rows = []
    for scenario, arms in comparisons.items():
        ratios = [
            _spread(ratio(arms[TIDEGATE], arms[label], _cpu), ".2f") if label in arms else NOTHING for label in others
        ]
        values = [_spread(spread(arms[label], _cpu)) if label in arms else NOTHING for label in (TIDEGATE, *others)]
        emulators = _spread(spread(arms[TIDEGATE], lambda sample: sample.emulators_us))
        rows.append([scenario, *values, *ratios, emulators])
    columns = [TIDEGATE, *others, *(f"of {label}" for label in others), "emulators, for Tidegate"]
    return Table("Processor time", ["CPU µs a delivery", *columns], rows)


def _beside(comparisons: Mapping[str, Mapping[str, list[Sample]]], label: str) -> Table:
    figures: Mapping[str, tuple[Figure, str]] = {
        "a second": (lambda sample: sample.per_second, ",.0f"),
        "p50 ms": (lambda sample: sample.p50_ms, ".1f"),
        "p99 ms": (lambda sample: sample.p99_ms, ".1f"),
        "peak MB": (lambda sample: sample.peak_mb, ".0f"),
    }
    rows = []
    for scenario, arms in comparisons.items():
        row = [scenario]
        for figure, form in figures.values():
            row.append(_median(spread(arms[TIDEGATE], figure), form))
            row.append(_spread(ratio(arms[TIDEGATE], arms[label], figure), ".2f"))
        rows.append(row)
    columns = [column for name in figures for column in (name, f"of {label}")]
    return Table(f"Beside {label}", [f"beside {label}", *columns], rows)


def _operations(found: Findings) -> Table:
    names = {
        "writes": "writes",
        "reads": "reads",
        "Firestore calls": "firestore_calls",
        "messages": "messages",
        "Publish calls": "publish_calls",
    }
    rows = [
        [scenario, *(f"{getattr(arms[label], name):.3g}" for name in names.values() for label in COUNTED)]
        for scenario, arms in found.operations.items()
    ]
    columns = [f"{name}{suffix}" for name in names for suffix in ("", " by hand")]
    return Table("Operations", ["a delivery", *columns], rows)


def _gateway(gateway: Mapping[int, list[Sample]]) -> Table:
    figures: list[Figure] = [lambda s: s.p50_ms, lambda s: s.p99_ms, lambda s: s.per_second, _cpu]
    rows = [
        [
            f"{in_flight} in flight",
            *(
                _spread(spread(samples, figure), form)
                for figure, form in zip(figures, (".1f", ".1f", ",.0f", ",.0f"), strict=True)
            ),
        ]
        for in_flight, samples in gateway.items()
    ]
    return Table("The gateway", ["until 202 at the gateway", "p50 ms", "p99 ms", "a second", "CPU µs"], rows)


def _starts(starts: Mapping[str, list[Start]]) -> Table:
    figures: Mapping[str, Callable[[Start], float]] = {
        "start to first delivery answered, s": lambda each: each.seconds,
        "CPU until then, s": lambda each: each.cpu_seconds,
        "CPU of the import, s": lambda each: each.import_seconds,
    }
    rows = []
    for name, figure in figures.items():
        values = {label: [figure(each) for each in of_label] for label, of_label in starts.items()}
        ratios = [
            Spread.of(ours / theirs for ours, theirs in zip(values[TIDEGATE], values[label], strict=True))
            for label in (ASYNC, SYNC)
        ]
        rows.append(
            [
                name,
                *(_spread(Spread.of(each), ".2f") for each in (*values.values(),)),
                *(_spread(each, ".2f") for each in ratios),
            ]
        )
    return Table("Cold start", ["cold start", *starts, f"of {ASYNC}", f"of {SYNC}"], rows)


def _ledger(ledger: Mapping[int, Mapping[str, list[Sample]]]) -> Table:
    rows = [
        [
            f"{records:,}",
            *(_spread(spread(arms[label], _cpu)) for label in (TIDEGATE, ASYNC)),
            f"{growth:.2f}",
            _spread(spread(arms[TIDEGATE], lambda sample: sample.p50_ms), ".1f"),
        ]
        for (records, arms), growth in zip(ledger.items(), ledger_growth(ledger), strict=True)
    ]
    columns = [f"{TIDEGATE}, CPU µs", f"{ASYNC}, CPU µs", "ratio of both, of the first", f"{TIDEGATE}, p50 ms"]
    return Table("A growing ledger", ["records in the ledger", *columns], rows)


def _fan_out(fan_out: Mapping[int, Mapping[str, list[Sample]]]) -> Table:
    def each_child(width: int) -> Figure:
        return lambda sample: sample.cpu_us / width

    rows = [
        [
            f"{width:,}",
            *(_spread(spread(samples, each_child(width)), ".1f") for samples in arms.values()),
            *(_spread(ratio(arms[TIDEGATE], arms[label], _cpu), ".2f") for label in (ASYNC, SYNC)),
        ]
        for width, arms in fan_out.items()
    ]
    labels = list(next(iter(fan_out.values())))
    return Table(
        "A growing fan-out", ["events that a delivery emits: CPU µs each", *labels, f"of {ASYNC}", f"of {SYNC}"], rows
    )


def scale_table(cpu_us: float) -> Table:
    """What rates of events with one child need, each delivery at so much processor time."""
    scales = [Scale(rate, cpu_us) for rate in RATES]
    figures: Mapping[str, Callable[[Scale], str]] = {
        "documents written a second": lambda each: f"{each.writes:,}",
        "minutes to get there by Firestore's rule": lambda each: f"{each.ramp_minutes:,}",
        "key ranges that share the writes": lambda each: f"{each.ranges:,}",
        "MB pushed a second, and as many published": lambda each: f"{each.megabytes:,.0f}",
        "instances of one processor": lambda each: f"{each.instances:,}",
    }
    rows = [[name, *map(figure, scales)] for name, figure in figures.items()]
    return Table("A million events a second", ["events a second", *(f"{rate:,}" for rate in RATES)], rows)


def _median_of(samples: Sequence[Sample]) -> float:
    return Spread.of(map(_cpu, samples)).median


def _median(value: Spread | None, form: str) -> str:
    return NOTHING if value is None else format(value.median, form)


def _spread(value: Spread | None, form: str = ",.0f") -> str:
    return NOTHING if value is None else format(value, form)
