"""How a function is, in a word for people."""

from dataclasses import dataclass
from enum import StrEnum

from tidegate_ops.insight.traffic import FunctionTraffic, Traffic
from tidegate_ops.pausing import Standing

_FAILING = 0.05  # of the deliveries; below it retries are everyday life


class Tone(StrEnum):
    """How much attention something wants, and of what kind."""

    GOOD = "good"
    CALM = "calm"
    BUSY = "busy"
    WAIT = "wait"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class FunctionState:
    """One function now.

    Attributes:
        word, tone: how it is.
        why: in a sentence; empty where there is nothing to explain.
        held: whether an operator has paused it.
        traffic: None where nobody knows.
        waiting: how many messages wait for it or are being handled; None where nobody knows.
    """

    word: str
    tone: Tone
    why: str = ""
    held: bool = False
    traffic: FunctionTraffic | None = None
    waiting: int | None = None


def state_of(name: str, standing: Standing | None, traffic: Traffic | None, *, draining: bool) -> FunctionState:
    """How a function is that stands so; None where nobody could be asked."""
    goes = traffic.functions.get(name) if traffic else None
    waiting = standing.backlog.count if standing and standing.backlog else goes.backlog if goes else None
    held = standing is not None and standing.pause.hold is not None
    word, tone, why = _words(standing, goes, draining=draining)
    return FunctionState(word, tone, why, held, goes, waiting)


def _words(standing: Standing | None, goes: FunctionTraffic | None, *, draining: bool) -> tuple[str, Tone, str]:
    if standing is None:
        return "unknown", Tone.CALM, "Whether it is paused is not known."
    if draining:
        return "draining", Tone.WAIT, "It works off what waits, and is paused then."
    pause = standing.pause
    if hold := pause.hold:
        return "paused", Tone.WAIT, f"Paused by {hold.by}{f': {hold.reason}' if hold.reason else ''}"
    if cut_off := pause.cut_off:
        return "cut off", Tone.BAD, f"{cut_off.dependency} is cut off: {cut_off.reason}"
    if not standing.pushes:
        return ("to be resumed" if pause.push else "not pushed to"), Tone.WAIT, "Its subscription pushes nothing."
    if goes and goes.failing and goes.failing >= _FAILING:
        return "failing", Tone.BAD, f"{goes.failing:.0%} of its deliveries fail."
    if goes and goes.per_second:
        return "running", Tone.GOOD, ""
    return "idle", Tone.CALM, ""
