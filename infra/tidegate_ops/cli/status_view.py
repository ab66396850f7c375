"""How `tidegate status` shows an application."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.breakers import Phase
from tidegate.events import timestamp
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.insight.overview import MOST_JOBS, Overview
from tidegate_ops.insight.traffic import FunctionTraffic, Spread
from tidegate_ops.log_line import VERDICT_STYLES, WAITING_STYLE
from tidegate_ops.pausing import Standing

_PHASE_STYLES = {Phase.CLOSED: "green", Phase.OPEN: "bold red", Phase.HALF_OPEN: "yellow"}
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_UNKNOWN = "?"


def screen(topology: Topology, overview: Overview) -> RenderableType:
    """All of it, for people."""
    parts: list[RenderableType] = [_functions(topology, overview), _topics(topology, overview)]
    if overview.breakers:
        parts.append(
            _line("breakers", [Text(f"{name} {at}", _PHASE_STYLES[at]) for name, at in overview.breakers.items()])
        )
    if overview.letters:
        letters = [Text(f"{name or 'functions that are gone'} {count:,}") for name, count in overview.letters.items()]
        parts.append(_line("open dead letters", letters) + Text("  look into them: tidegate dead list", "dim"))
    if traffic := overview.traffic:
        window, rate = traffic.window_seconds / 60, traffic.rate_seconds / 60
        spans = f"deliveries and times of {window:g} minutes, rates of {rate:g}"
        parts.append(Text(f"{traffic.as_of:%Y-%m-%d %H:%M:%S} UTC; {spans}", "dim"))
    parts += [Text(each, "yellow") for each in overview.troubles]
    return Group(*parts)


def facts(topology: Topology, overview: Overview) -> dict[str, Any]:
    """The same as JSON has it; what is not known is null."""
    traffic = overview.traffic
    return {
        "as_of": timestamp(traffic.as_of) if traffic else None,
        "window_seconds": traffic.window_seconds if traffic else None,
        "rate_seconds": traffic.rate_seconds if traffic else None,
        "functions": {
            name: _function_facts(overview, name, overview.standings.get(name)) for name in topology.functions
        },
        "topics": {
            name: {
                "published_per_second": traffic.published.get(name) if traffic else None,
                "unsettled_jobs": overview.unsettled.get(name),
            }
            for name in topology.topics
        },
        "breakers": dict(overview.breakers),
        "open_dead_letters": sum(overview.letters.values()),
        "troubles": list(overview.troubles),
    }


def _functions(topology: Topology, overview: Overview) -> Table:
    table = Table("function", "state", "waiting", "per s", "deliveries", "failing", "p50", "p95", "dead", box=None)
    for name in topology.functions:
        standing, traffic = overview.standings.get(name), _traffic(overview, name)
        row = (
            Text(name),
            _state(standing),
            Text(f"{standing.backlog.count:,}" if standing and standing.backlog else _UNKNOWN),
            Text(f"{traffic.per_second:.1f}" if traffic else _UNKNOWN),
            _verdicts(traffic.verdicts if traffic else {}),
            _failing(traffic),
            Text(_seconds(traffic.duration, 0.5) if traffic else ""),
            Text(_seconds(traffic.duration, 0.95) if traffic else ""),
            Text(f"{count:,}" if (count := overview.letters.get(name)) else "", "bold red"),
        )
        table.add_row(*row)
    return table


def _topics(topology: Topology, overview: Overview) -> Text:
    """What is published, and which jobs are under way; nothing of what rests."""
    said = []
    for name in topology.topics:
        rate = overview.traffic.published.get(name, 0.0) if overview.traffic else 0.0
        jobs = overview.unsettled.get(name, 0)
        facts = [f"{rate:.2f} per s"] if rate else []
        facts += [f"{jobs:,}{' or more' if jobs == MOST_JOBS else ''} unsettled jobs"] if jobs else []
        if facts:
            said.append(Text(f"{name} {', '.join(facts)}"))
    return _line("topics", said or [Text("nothing is published", "dim")])


def _line(title: str, parts: list[Text]) -> Text:
    return Text(f"{title}: ", "bold") + Text("; ").join(parts)


def _state(standing: Standing | None) -> Text:
    if standing is None:
        return Text(_UNKNOWN, "yellow")
    return Text(" ".join(_reasons(standing)) or "runs", "yellow" if standing.pause.is_on or not standing.pushes else "")


def _reasons(standing: Standing) -> Iterator[str]:
    if hold := standing.pause.hold:
        yield f"paused by {hold.by}{f': {hold.reason}' if hold.reason else ''}"
    if cut_off := standing.pause.cut_off:
        yield f"{cut_off.dependency} is cut off"
    if not standing.pause.is_on and not standing.pushes:
        yield "pushes nothing"


def _verdicts(counts: Mapping[Verdict, float]) -> Text:
    return Text(" ").join(
        Text(f"{verdict} {count:,.0f}", VERDICT_STYLES.get(verdict, WAITING_STYLE)) for verdict, count in counts.items()
    )


def _failing(traffic: FunctionTraffic | None) -> Text:
    share = traffic.failing if traffic else None
    return Text(f"{share:.0%}" if share is not None else "", "red" if share else "")


def _seconds(spread: Spread, share: float) -> str:
    value = spread.quantile(share)
    if value is None:
        return ""
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"


def _traffic(overview: Overview, name: str) -> FunctionTraffic | None:
    return overview.traffic.functions.get(name) if overview.traffic else None


def _function_facts(overview: Overview, name: str, standing: Standing | None) -> dict[str, Any]:
    traffic = _traffic(overview, name)
    return {
        "state": str(_state(standing)) if standing else None,
        "paused": standing.pause.is_on if standing else None,
        "backlog": standing.backlog.count if standing and standing.backlog else None,
        "per_second": traffic.per_second if traffic else None,
        "verdicts": dict(traffic.verdicts) if traffic else None,
        "failing": traffic.failing if traffic else None,
        "duration_seconds": _quantiles(traffic.duration) if traffic else None,
        "publish_to_done_seconds": _quantiles(traffic.latency) if traffic else None,
        "open_dead_letters": overview.letters.get(name, 0),
    }


def _quantiles(spread: Spread) -> dict[str, float | None]:
    return {name: spread.quantile(share) for name, share in _QUANTILES.items()}
