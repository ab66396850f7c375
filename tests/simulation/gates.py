"""A small application of gates where only so much may happen: a function for each limit, and one that sheds."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.cloud import firestore

from tests.simulation.world import asking
from tidegate import Context, Contract, Reject
from tidegate.handlers import Handler
from tidegate.topology import Topology
from tidegate_ops.project import Project

RUNS, PERIOD_SECONDS, BURST = 2, 30, 2
QUIET_SECONDS, LONGEST_SECONDS = 5, 15
CLASSES = ("interactive", "standard", "bulk")
OVERLOAD_SECONDS = 3
_LIMITS = {"timeout_seconds": 10, "attempts": 4, "backoff": {"min_seconds": 1, "max_seconds": 20}}
_FUNCTIONS: dict[str, dict[str, Any]] = {
    "open_gate": {"singleton": {}},
    "call_gate": {"throttle": {"runs": RUNS, "seconds": PERIOD_SECONDS, "burst": BURST}},
    "paint_gate": {"debounce": {"quiet_seconds": QUIET_SECONDS, "longest_seconds": LONGEST_SECONDS}},
}
TOPOLOGY = Topology.model_validate(
    {
        "application": "gates",
        "classes": CLASSES,
        "topics": {"gate.changed": {}, "dead.letters": {}},
        "functions": {
            **{
                name: {**_LIMITS, "topic": "gate.changed", "limits": {"per_key": {"key": "data.gate", **mode}}}
                for name, mode in _FUNCTIONS.items()
            },
            "sweep_gate": {**_LIMITS, "topic": "gate.changed", "overload_seconds": OVERLOAD_SECONDS},
            "dead_letters": {**_LIMITS, "topic": "dead.letters", "attempts": None},
        },
        # So short that instances whose clocks differ do take each other's places.
        "limits": {"lease_margin_seconds": 1},
    }
)

KINDS = ("fine", "fails once", "dies once", "doomed")


class GateChanged(Contract, type="gate.changed", version=1):
    """Something about a gate; ``kind`` says what becomes of it, ``seconds`` how long it takes."""

    gate: str
    kind: str = "fine"
    seconds: float = 0


@dataclass
class Yard:
    """What the handlers meet outside; ``mended``: what was doomed is not any more."""

    mended: bool = False


yard: ContextVar[Yard] = ContextVar("yard")


async def open_gate(changed: GateChanged, ctx: Context) -> None:
    """One at a time."""
    await _work(changed, ctx)


async def call_gate(changed: GateChanged, ctx: Context) -> None:
    """So many in a period."""
    await _work(changed, ctx)


async def paint_gate(changed: GateChanged, ctx: Context) -> None:
    """The latest change alone."""
    await _work(changed, ctx)


async def sweep_gate(changed: GateChanged, ctx: Context) -> None:
    """What can be left out under overload."""
    await _work(changed, ctx)


async def _work(changed: GateChanged, ctx: Context) -> None:
    await asyncio.sleep(changed.seconds)
    if changed.kind == "doomed" and not yard.get().mended:
        raise Reject("doomed")
    if ctx.attempt == 1 and changed.kind == "fails once":
        raise RuntimeError("fails once")
    if ctx.attempt == 1 and changed.kind == "dies once":
        asking().die()
    ctx.batch.set(ctx.firestore.document(f"gates/{changed.gate}"), {"changes": firestore.Increment(1)}, merge=True)


@cache
def application() -> tuple[Topology, dict[str, Handler]]:
    """Topology and handlers; the dead letters' own is the real one."""
    own = {each.__name__: Handler.inspect(each, pure=False) for each in (open_gate, call_gate, paint_gate, sweep_gate)}
    return TOPOLOGY, own | {"dead_letters": Project.find().load_handler("dead_letters")}
