"""A function's page: how it does, what it may, and pausing it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidegate.errors import ConfigurationError, SubscriptionUnavailable
from tidegate.topology import Function
from tidegate.verdicts import Verdict
from tidegate_ops.console.desk import Desk, traffic_of
from tidegate_ops.console.drains import Drains
from tidegate_ops.console.form_body import read_body
from tidegate_ops.console.function_state import state_of
from tidegate_ops.console.letters_page import operator_of
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.insight.breakers import phases
from tidegate_ops.insight.deliveries import Delivery
from tidegate_ops.insight.lines import LinesUnknown, Query
from tidegate_ops.insight.traffic import Spread
from tidegate_ops.pausing import Standing
from tidegate_ops.topology_faults import suggest

_RECENT = 25
_CHART_HEIGHT = 96.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of a histogram.

    Attributes:
        upto: its upper bound in seconds; None for the last.
        height: in pixels.
    """

    upto: float | None
    count: float
    height: float


class FunctionPage:
    """Shows a function; pauses, resumes and drains it."""

    def __init__(self, desk: Desk, drains: Drains) -> None:
        self._desk = desk
        self._drains = drains
        self._letters = DeadLetterFile(desk.firestore, desk.topology)

    async def read(self, request: Request) -> Mapping[str, Any]:
        """All that is known of it."""
        name = self._name(request)
        function = self._desk.topology.functions[name]
        (traffic, unknown), standing, dead, breakers, (recent, silent) = await asyncio.gather(
            traffic_of(self._desk),
            self._standing(name),
            self._letters.count_open(),
            phases(self._desk.topology, self._desk.circuits),
            self._recent(name),
        )
        state = state_of(name, standing, traffic, draining=self._drains.under_way(name))
        dependencies = {each: self._desk.topology.dependencies[each] for each in function.dependencies}
        return {
            "name": name,
            "function": function,
            "state": state,
            "traffic": traffic,
            "unknown": unknown,
            "dead": dead.get(name, 0),
            "bars": _bars(state.traffic.latency) if state.traffic else [],
            "verdicts": list(Verdict),
            "recent": recent,
            "silent": silent,
            "limits": _limits(function),
            "dependencies": dependencies,
            "breakers": breakers,
            "drain_trouble": self._drains.trouble(name),
        }

    async def act(self, request: Request) -> Response:
        """Pause it, let it go, or have it work off what waits first."""
        name = self._name(request)
        body = await read_body(request)
        by, reason = operator_of(request, self._desk), body.text("reason")
        match body.text("action"):
            case "pause":
                await self._drains.give_up(name)
                await self._desk.pausing.pause(name, by, reason)
                done = "paused"
            case "resume":
                await self._drains.give_up(name)
                await self._desk.pausing.resume(name)
                done = "resumed"
            case "drain":
                self._drains.begin(name, by, reason)
                done = "draining"
            case other:
                raise ConfigurationError(f"There is no action {other}: there are pause, resume and drain.")
        return RedirectResponse(f"/functions/{quote(name)}?done={done}", HTTPStatus.SEE_OTHER)

    async def _standing(self, name: str) -> Standing | None:
        try:
            return await self._desk.pausing.look(name)
        except SubscriptionUnavailable:
            return None  # it is not deployed, or there is no right to look

    async def _recent(self, name: str) -> tuple[list[Delivery], str]:
        """The last deliveries, the newest first; or why nobody can tell."""
        try:
            lines = await self._desk.lines.recent(Query(function=name, deliveries=True, limit=_RECENT))
        except LinesUnknown as error:
            return [], str(error)
        return [each for each in map(Delivery.read, reversed(lines)) if each], ""

    def _name(self, request: Request) -> str:
        name: str = request.path_params["function"]
        if name not in self._desk.topology.functions:
            raise ConfigurationError(f"There is no function {name}: {suggest(name, self._desk.topology.functions)}")
        return name


def _bars(spread: Spread) -> list[Bar]:
    """A histogram without the empty buckets long before the first value and long after the last."""
    filled = [number for number, count in enumerate(spread.counts) if count]
    if not filled:
        return []
    most = max(spread.counts)
    bounds = [*spread.bounds, None]
    return [
        Bar(bounds[number], spread.counts[number], round(spread.counts[number] / most * _CHART_HEIGHT, 1))
        for number in range(max(0, filled[0] - 2), min(len(bounds), filled[-1] + 3))
    ]


def _limits(function: Function) -> list[tuple[str, str, str]]:
    """Each limit of the topology: its name there, what it is, and what it means."""
    left_out = {"topic", "emits", "dependencies"}
    return [
        (name, _spelled(getattr(function, name)), field.description or "")
        for name, field in type(function).model_fields.items()
        if name not in left_out
    ]


def _spelled(value: object) -> str:
    if isinstance(value, BaseModel):
        return ", ".join(f"{name} {_spelled(each)}" for name, each in value if each is not None) or "none"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
