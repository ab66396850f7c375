"""What an application costs a month, from its operations and a table of list prices.

The operations are those that docs/architecture.md and docs/jobs.md name, and the tests count. Sizes and
times are assumptions, all of them here: measure your own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tidegate.topology import Limits
from tidegate_ops.yaml_source import YamlSource

PRICES = Path(__file__).with_name("prices.yaml")
DAYS = 30
"""In a month; what is free each day is taken to be used up evenly."""

EVENT_BYTES = 1_000
"""Of a message, data and attributes; Pub/Sub charges no less for a push."""
RECORD_BYTES = 1_000
"""Of a record with its outbox, as Firestore stores it."""
LOG_BYTES = 3_000
"""Of a delivery's own line and of Cloud Run's line about the request, each with what Cloud Logging adds."""
INSTANCE_SECONDS = 0.02
"""For which a delivery keeps an instance from being idle; several share the same seconds."""
PROCESSORS, MEMORY_GIB = 1.0, 0.5
"""Of an instance, as terraform/ deploys it."""

WRITES, DELIVERY_REQUESTS, COPIES = 2, 1, 2
"""Of a delivery: claim and commit; a push; an event is published once and pushed once."""
PURE_SAVES = 1
"""Writes that a delivery to a pure function spares: its claim."""
JOB_WRITES, JOB_READS, JOB_DOCUMENTS = 5, 4, 2
"""What a job of one event adds: two writes to accept it, one more in the commit, two to settle it; what is read to
settle it; itself and its tally, which expire."""
FOLLOWING_REQUESTS, FOLLOWING_READS = 2, 2
"""The request that submits a job and one that waits for its end, and what that one reads."""
TASK_OPERATIONS = 2
"""Of a delayed event: the task is made, and it is run."""

Usage = Mapping[str, float]
"""Units in a month by the name of their price; what is not used may be missing."""

_GIB = 2**30
_CENTS_BELOW = 100
"""Dollars from which on a sum is told without cents."""


class Price(BaseModel):
    """The price of one item; see prices.yaml for what its fields mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unit: str
    per: float = Field(gt=0)
    usd: float = Field(gt=0)
    free_per_day: float = Field(default=0, ge=0)
    free_per_month: float = Field(default=0, ge=0)
    region: str
    source: str = Field(pattern=r"^https://")
    dated: date | None

    def of(self, quantity: float) -> float:
        """What so many units in a month cost, in dollars."""
        charged = quantity - self.free_per_month - self.free_per_day * DAYS
        return max(0.0, charged) / self.per * self.usd


@dataclass(frozen=True, slots=True)
class Workload:
    """What an application does in a month.

    Attributes:
        events: deliveries of events to functions; an event with two subscribers counts twice.
        jobs: the share of them that were handed in at the gateway.
        delayed: the share of them that are published later.
        pure: the share of them that pure functions handle.
    """

    events: float
    jobs: float = 0.0
    delayed: float = 0.0
    pure: float = 0.0
    schedules: int = 0

    def usage(self) -> Usage:
        """What it uses. Stored data is what has gathered once the first records expire."""
        jobs = self.events * self.jobs
        requests = self.events * DELIVERY_REQUESTS + jobs * FOLLOWING_REQUESTS
        documents = self.events + jobs * JOB_DOCUMENTS
        return {
            "firestore_writes": self.events * (WRITES - self.pure * PURE_SAVES) + jobs * JOB_WRITES,
            "firestore_reads": jobs * (JOB_READS + FOLLOWING_READS),
            "firestore_deletes": documents,
            "firestore_storage": documents * RECORD_BYTES / _GIB * Limits().ledger_days / DAYS,
            "pubsub_throughput": self.events * COPIES * EVENT_BYTES / _GIB,
            "run_requests": requests,
            "run_processors": requests * INSTANCE_SECONDS * PROCESSORS,
            "run_memory": requests * INSTANCE_SECONDS * MEMORY_GIB,
            "logging_storage": requests * LOG_BYTES / _GIB,
            "tasks_operations": self.events * self.delayed * TASK_OPERATIONS,
            "scheduler_jobs": float(self.schedules),
        }


def load_prices(path: Path = PRICES) -> Mapping[str, Price]:
    """The prices by their names."""
    return TypeAdapter(dict[str, Price]).validate_json(YamlSource.read(path).json_text())


def table(workloads: Sequence[Workload], prices: Mapping[str, Price]) -> str:
    """Monthly costs as a Markdown table: an item a line, a workload a column."""
    columns = [(f"{counted(each.events)} events", each.events, each.usage()) for each in workloads]
    return columns_table("US dollars a month", columns, prices)


def columns_table(title: str, columns: Sequence[tuple[str, float, Usage]], prices: Mapping[str, Price]) -> str:
    """The same for columns with a heading, a number of events and a usage each. What nobody uses is left out."""
    used = [usage for _, _, usage in columns]
    costs = {name: [price.of(each.get(name, 0.0)) for each in used] for name, price in prices.items()}
    lines = [(prices[name].name, costs[name]) for name in prices if any(each.get(name) for each in used)]
    sums = [sum(column) for column in zip(*costs.values(), strict=True)]
    rows = [
        [title, *(heading for heading, _, _ in columns)],
        ["---", *("---:" for _ in columns)],
        *([name, *map(_dollars, row)] for name, row in lines),
        ["**together**", *(f"**{_dollars(each)}**" for each in sums)],
        [
            "a million events",
            *(_dollars(each / events * 1e6) for each, (_, events, _) in zip(sums, columns, strict=True)),
        ],
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount < _CENTS_BELOW else f"{amount:,.0f}"


def counted(number: float) -> str:
    """A number in words where it is round, such as 100 million."""
    for value, word in ((1e9, "billion"), (1e6, "million")):
        if number >= value:
            return f"{number / value:,g} {word}"
    return f"{number:,.0f}"
