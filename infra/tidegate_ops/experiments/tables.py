"""What the experiments found, for people: a table each, and curves over time."""

from collections.abc import Iterator, Mapping

from rich.table import Table

from tidegate_ops.experiments.charts import charts
from tidegate_ops.experiments.flood import Flood
from tidegate_ops.experiments.outage import Outage


def outage_table(outage: Outage) -> Table:
    """Both runs, side by side."""
    table = _table(f"{outage.events:,} events, partner down for {outage.seconds:g} s", "with a breaker", "without")
    arms = (outage.guarded, outage.unguarded)
    table.add_row("dead letters", *(f"{arm.dead_letters:,}" for arm in arms))
    table.add_row("most attempts that an event took", *(str(arm.most_attempts) for arm in arms))
    table.add_row("calls to the partner while down", *(f"{arm.calls_while_down:,}" for arm in arms))
    table.add_row("that is", f"{outage.calls_share:.1%}", "100%")
    table.add_row("seconds from its recovery until what waited was done", *(f"{arm.settled_seconds:g}" for arm in arms))
    table.add_row("flights booked, and booked twice", *(f"{arm.bookings:,}, {arm.booked_twice}" for arm in arms))
    return table


def outage_curves(outage: Outage) -> Iterator[str]:
    """Both runs over time."""
    for title, arm in (("with a breaker", outage.guarded), ("without", outage.unguarded)):
        yield f"── {title} ──"
        yield from charts(arm.times, arm.series)


def flood_table(flood: Flood) -> Table:
    """The flood's figures."""
    table = _table(f"{flood.seconds:g} s of {flood.offered_per_second:.1f} requests a second", "")
    table.add_row("events that can be done a second", f"{flood.capacity_per_second:.1f}")
    for status, count in flood.answers.items():
        table.add_row(f"answered {status}" if status else "not answered", f"{count:,}")
    table.add_row("refused without Retry-After", str(flood.without_retry_after))
    table.add_row("accepted jobs that did not succeed", str(flood.unsettled))
    table.add_row("p99 of accepted requests before, ms", f"{flood.calm_p99_ms:g}")
    table.add_row("p99 of accepted requests in the flood, ms", f"{flood.flood_p99_ms:g}")
    for name, growth in flood.memory_growth.items():
        table.add_row(f"memory of {name}: MB, growth", f"{flood.memory_mb[name]:g}, {growth - 1:+.1%}")
    return table


def flood_curves(flood: Flood) -> Iterator[str]:
    """The flood over time."""
    yield from charts(flood.times, flood.series)


def claims_table(claims: Mapping[str, bool]) -> Table:
    """What was promised, and whether it was kept."""
    table = _table("promise", "kept")
    for promise, kept in claims.items():
        table.add_row(promise, "[green]yes[/green]" if kept else "[red]no[/red]")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(first)
    for each in others:
        table.add_column(each, justify="right")
    return table
