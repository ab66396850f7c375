"""Looks on while a partner is down: nothing is sent where nothing may go, and nobody undoes another's pause."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.adapters.memory_documents import Document
from tidegate.function_config import deployed_name

FUNCTION = "rebook_passengers"
_PUSH_GRACE, _CALL_GRACE = 5.0, 6.0
_DISTURBED_PUSH_GRACE, _DISTURBED_CALL_GRACE = 400.0, 120.0
_OTHER_DELIVERIES = 4  # those whose failures open it first, and the one that is answered
_CLOCK_TOLERANCE = 11.0  # two clocks may each be off by five seconds, and the governor waits one second longer


@dataclass
class OutageWatch:
    """What was seen, and what was wrong with it.

    Attributes:
        disturbed: whether the run has faults, which may delay what the governor and the breakers learn.
        wanted: whether the operator wants a pause; set before they begin to act.
    """

    broker: MemoryBroker
    disturbed: bool
    wanted: bool = False
    violations: list[str] = field(default_factory=list)
    _openings: int = 0
    _pushes: int = 0
    _opened_at: float = 0.0
    _ends_at: float = 0.0
    _silent: bool = False

    def changed(self, path: str, before: Document | None, after: Document | None) -> None:
        """A commit has changed a circuit or a pause."""
        fields = after.fields if after else {}
        if path.startswith("breakers/"):
            self._openings += fields["trips"] > 0
            self._opened_at = _now()
            self._ends_at = _now() + fields["cool_down_seconds"]
        else:
            self._check_hold(before.fields if before else {}, fields)

    def pushed(self, function: str) -> None:
        """The broker begins a delivery."""
        if function != FUNCTION:
            return
        self._pushes += 1
        if self._silent:
            self.violations.append(f"{_now():.0f}: pushed while an operator holds it")
        self._check_cut_off("pushed", _DISTURBED_PUSH_GRACE if self.disturbed else _PUSH_GRACE)

    def called(self) -> None:
        """A call to the partner begins."""
        self._check_cut_off("called the partner", _DISTURBED_CALL_GRACE if self.disturbed else _CALL_GRACE)

    def check_deliveries(self, events: int) -> None:
        """At the end, without faults: each opening has cost each event one delivery, beyond those before and after."""
        most = events * (self._openings + _OTHER_DELIVERIES)
        if not self.disturbed and self._pushes > most:
            self.violations.append(f"{self._pushes} deliveries of {events} events, {self._openings} openings")

    def expect_silence(self) -> None:
        """From now on the operator's pause must hold."""
        self._silent = True
        self._check_paused()

    def end_silence(self) -> None:
        """The operator is about to let go."""
        self._silent = False
        self._check_paused()

    def _check_paused(self) -> None:
        if not self.broker.is_paused(deployed_name(FUNCTION)):
            self.violations.append(f"{_now():.0f}: an operator holds it, and it is not paused")

    def _check_cut_off(self, what: str, grace: float) -> None:
        if self._opened_at + grace < _now() < self._ends_at - _CLOCK_TOLERANCE:
            self.violations.append(f"{_now():.0f}: {what} {_now() - self._opened_at:.0f} s after the circuit opened")

    def _check_hold(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        was, is_now = bool(before.get("hold")), bool(after.get("hold"))
        if was != is_now and is_now != self.wanted:
            self.violations.append(
                f"{_now():.0f}: the operator's pause {'appeared' if is_now else 'vanished'} unwanted"
            )


def _now() -> float:
    return asyncio.get_running_loop().time()
