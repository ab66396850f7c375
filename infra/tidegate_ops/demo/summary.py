"""A run's outcome as tables for people."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from tidegate.verdicts import Verdict
from tidegate_ops.demo.outcome import Outcome

_MOST_DIFFERENCES = 20


def tables(outcome: Outcome) -> Iterator[Table]:
    """All of them, the checks last."""
    yield _jobs(outcome)
    yield _topics(outcome)
    yield _functions(outcome)
    if outcome.dead_letters:
        yield _dead_letters(outcome)
    yield _checks(outcome)


def conclusion(outcome: Outcome) -> str:
    """The run in a sentence."""
    copies = sum(topic.published_twice for topic in outcome.topics.values())
    messages = sum(topic.messages for topic in outcome.topics.values())
    accepted = max(job.accepted_ms for job in outcome.jobs.values())
    settled = max(job.settled_seconds for job in outcome.jobs.values())
    facts = (
        f"{outcome.flights:,} flights, {messages:,} messages, {copies:,} of them published twice on purpose; "
        f"accepted in {accepted:,.0f} ms, settled after {settled:,.1f} s"
    )
    if outcome.exact:
        return f"{facts}: every effect happened exactly once"
    return f"{facts}: {len(outcome.differences)} differences from the truth"


def _jobs(outcome: Outcome) -> Table:
    table = _table("job of", "state", "accepted ms", "again ms", "settled s", "units", "failures")
    for day, job in outcome.jobs.items():
        times = (_milliseconds(job.accepted_ms), _milliseconds(job.repeated_ms), f"{job.settled_seconds:,.1f}")
        table.add_row(day, job.state, *times, *_numbers(job.work, job.failures))
    notes = [f"{day}: {_result(job.result)}" for day, job in outcome.jobs.items()]
    notes.append("accepted: by a gateway just started; again: the same submission once more")
    if outcome.malformed:
        notes.append("failed: some of its work was given up, here the malformed rows")
    table.caption = Text("\n".join(notes))
    return table


def _result(result: Any) -> str:
    """The day's sums; its date is said already."""
    if not isinstance(result, Mapping):
        return str(result)
    return ", ".join(f"{name} {value}" for name, value in result.items() if name != "date")


def _topics(outcome: Outcome) -> Table:
    table = _table("topic", "events", "messages", "published twice", "repeated by the runtime")
    for name, topic in outcome.topics.items():
        repeated = topic.messages - topic.events - topic.published_twice
        table.add_row(name, *_numbers(topic.events, topic.messages, topic.published_twice, repeated))
    return table


def _functions(outcome: Outcome) -> Table:
    verdicts = [
        each for each in Verdict if any(function.deliveries.get(each) for function in outcome.functions.values())
    ]
    table = _table("function", "handled", *verdicts, "per second", "p50 ms", "p99 ms", "handler p50 ms")
    for name, function in outcome.functions.items():
        counts = _numbers(function.handled, *(function.deliveries.get(verdict, 0) for verdict in verdicts))
        times = [_milliseconds(each) for each in (function.p50_ms, function.p99_ms, function.handler_p50_ms)]
        table.add_row(name, *counts, f"{function.per_second:,.1f}", *times)
    table.caption = "p50 and p99: from publish to done, queueing and retries included"
    return table


def _dead_letters(outcome: Outcome) -> Table:
    table = Table("dead letter", "of flight", "fault", "reason")
    for letter in outcome.dead_letters:
        # As texts: brackets in them are no markup.
        table.add_row(*map(Text, (letter.function, letter.flight, letter.fault, letter.reason)))
    return table


def _checks(outcome: Outcome) -> Table:
    table = Table("check", "", "differences")
    for name, differences in outcome.checks.items():
        mark = Text("✗", style="red") if differences else Text("✓", style="green")
        table.add_row(name, mark, Text("\n".join(_first(differences))))
    return table


def _first(lines: list[str]) -> Iterable[str]:
    yield from lines[:_MOST_DIFFERENCES]
    if len(lines) > _MOST_DIFFERENCES:
        yield f"… and {len(lines) - _MOST_DIFFERENCES} more, see build/run.json"


def _table(first: str, *rest: str) -> Table:
    table = Table(first, caption_justify="left")
    for name in rest:
        table.add_column(name, justify="right")
    return table


def _numbers(*values: int) -> list[str]:
    return [f"{value:,}" for value in values]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
