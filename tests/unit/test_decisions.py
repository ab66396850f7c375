"""Decisions: what a delivery does about the record that it finds, and what becomes of it."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from tidegate.decisions import (
    Bury,
    Busy,
    Claimant,
    Clash,
    Decision,
    Failed,
    Outcome,
    Resume,
    Returned,
    Run,
    conclude,
    meet,
    verdict_of,
)
from tidegate.messages import Outgoing
from tidegate.records import Failure, Fault, Record, Status
from tidegate.testing import NOON
from tidegate.verdicts import Verdict

SECOND = timedelta(seconds=1)
BOOM = Failure(Fault.ERROR, "boom")
CLAIMANT = Claimant(
    function="pack",
    event_id="event-1",
    owner="me",
    payload_hash="mine",
    redrive=0,
    lease=timedelta(seconds=75),
    lifetime=timedelta(days=45),
    attempts=3,
)
FOUND = Record(
    function="pack",
    event_id="event-1",
    status=Status.CLAIMED,
    owner="other",
    attempt=1,
    lease_until=NOON + SECOND,
    payload_hash="mine",
    expire_at=NOON + timedelta(days=44),
    steps={"book": "1"},
)
RELEASED = replace(FOUND, status=Status.RELEASED, error=BOOM)
EXPIRED = replace(FOUND, lease_until=NOON)
DONE = replace(FOUND, status=Status.DONE)
FAILED = replace(FOUND, status=Status.FAILED, attempt=3, error=BOOM)
REDRIVEN = replace(CLAIMANT, redrive=1)
ENDLESS = replace(CLAIMANT, attempts=None)


def taken(found: Record, attempt: int, redrive: int = 0, payload_hash: str = "mine") -> Run:
    """``found``, taken over at noon."""
    return Run(
        replace(
            found,
            status=Status.CLAIMED,
            owner="me",
            attempt=attempt,
            lease_until=NOON + timedelta(seconds=75),
            payload_hash=payload_hash,
            expire_at=NOON + timedelta(days=45),
            redrive=redrive,
        )
    )


_FRESH = taken(replace(FOUND, steps={}), attempt=1)
_MEETINGS: dict[str, tuple[Record | None, Claimant, Decision | type]] = {
    "nothing": (None, CLAIMANT, _FRESH),
    "nothing, redriven": (None, REDRIVEN, Run(replace(_FRESH.claim, redrive=1))),
    "claimed, lease live": (FOUND, CLAIMANT, Busy()),
    "claimed, lease live, last attempt": (replace(FOUND, attempt=3), CLAIMANT, Busy()),
    "claimed, lease live, redriven": (FOUND, REDRIVEN, Busy()),
    "claimed, lease over": (EXPIRED, CLAIMANT, taken(FOUND, attempt=2)),
    "claimed, lease over, attempts spent": (replace(EXPIRED, attempt=3), CLAIMANT, Bury),
    "claimed, lease over, attempts beyond": (replace(EXPIRED, attempt=7), CLAIMANT, Bury),
    "claimed, lease over, redriven": (replace(EXPIRED, attempt=3), REDRIVEN, taken(FOUND, attempt=1, redrive=1)),
    "claimed, lease over, no limit": (replace(EXPIRED, attempt=99), ENDLESS, taken(FOUND, attempt=100)),
    "released": (RELEASED, CLAIMANT, taken(RELEASED, attempt=2)),
    "released, attempts lowered since": (replace(RELEASED, attempt=3), CLAIMANT, Bury),
    "released, no limit": (replace(RELEASED, attempt=99), ENDLESS, taken(RELEASED, attempt=100)),
    "done": (DONE, CLAIMANT, Resume()),
    "done, redriven": (DONE, REDRIVEN, Resume()),
    "done, redriven with other data": (DONE, replace(REDRIVEN, payload_hash="mended"), Resume()),
    "failed": (FAILED, CLAIMANT, Resume()),
    "failed, redriven": (FAILED, REDRIVEN, taken(FAILED, attempt=1, redrive=1)),
    "failed, redriven with other data": (
        FAILED,
        replace(REDRIVEN, payload_hash="mended"),
        taken(FAILED, attempt=1, redrive=1, payload_hash="mended"),
    ),
    "failed, redriven before": (replace(FAILED, redrive=2), REDRIVEN, Resume()),
    **{
        f"other data, {found.status}": (found, replace(CLAIMANT, payload_hash="theirs"), Clash())
        for found in (FOUND, RELEASED, DONE, FAILED)
    },
}


@pytest.mark.parametrize("name", _MEETINGS)
def test_meetings(name: str) -> None:
    """Each row of the design's table: what is found, who comes, what is decided."""
    found, claimant, expected = _MEETINGS[name]
    decision = meet(found, claimant, NOON)
    assert type(decision) is expected if isinstance(expected, type) else decision == expected


@pytest.mark.parametrize(
    ("found", "fault"), [(replace(EXPIRED, attempt=3), Fault.CRASHED), (replace(RELEASED, attempt=3), Fault.ERROR)]
)
def test_the_buried_keep_their_own_failure(found: Record, fault: Fault) -> None:
    """A run that never ended is told as a crash; one that ended is told by its own failure."""
    decision = meet(found, CLAIMANT, NOON)
    assert isinstance(decision, Bury)
    assert decision.failed.error is not None
    assert (decision.failed.status, decision.failed.owner, decision.failed.attempt) == (Status.FAILED, "me", 3)
    assert decision.failed.error.fault is fault


def test_no_decision_harms_a_foreign_record() -> None:
    """Over all combinations: nothing final is claimed but by a redrive, no live lease is broken, no other payload is
    overwritten but by a redrive, no attempt beyond the grant is run, and steps and identity stay."""
    founds = itertools.product(Status, range(1, 5), (NOON, NOON + SECOND), ("mine", "theirs"), range(3))
    for (status, attempt, lease, payload, redrive), incoming, attempts in itertools.product(
        founds, range(3), (1, 3, None)
    ):
        found = replace(
            FOUND, status=status, attempt=attempt, lease_until=lease, payload_hash=payload, redrive=redrive, error=BOOM
        )
        claimant = replace(CLAIMANT, redrive=incoming, attempts=attempts)
        decision = meet(found, claimant, NOON)
        if not isinstance(decision, Run | Bury):
            continue
        written = decision.claim if isinstance(decision, Run) else decision.failed
        redriven = incoming > redrive
        assert status is not Status.DONE
        assert status is not Status.FAILED or redriven
        assert not (status is Status.CLAIMED and lease > NOON)
        assert payload == "mine" or redriven
        assert (written.function, written.event_id, written.steps) == (found.function, found.event_id, found.steps)
        assert written.redrive == max(redrive, incoming)
        assert written.owner == "me"
        if isinstance(decision, Run):
            assert attempts is None or written.attempt <= attempts
            assert written.attempt == (1 if redriven else attempt + 1)
            assert (written.payload_hash, written.lease_until) == ("mine", NOON + CLAIMANT.lease)


_CLAIM = replace(FOUND, owner="me", attempt=2, error=BOOM)
_OUTBOX = (Outgoing("order.packed", b"{}"),)
_CONCLUSIONS: dict[str, tuple[Outcome, int | None, Record]] = {
    "returned": (Returned(), 3, replace(_CLAIM, status=Status.DONE, error=None)),
    "returned at the last attempt": (Returned(), 2, replace(_CLAIM, status=Status.DONE, error=None)),
    "returned with events and a result": (
        Returned(_OUTBOX, "1"),
        3,
        replace(_CLAIM, status=Status.DONE, error=None, outbox=_OUTBOX, result="1"),
    ),
    "failed with attempts left": (Failed(BOOM), 3, replace(_CLAIM, status=Status.RELEASED)),
    "failed at the last attempt": (Failed(BOOM), 2, replace(_CLAIM, status=Status.FAILED)),
    "failed, no limit": (Failed(BOOM), None, replace(_CLAIM, status=Status.RELEASED)),
    "failed for good": (Failed(BOOM, permanent=True), 3, replace(_CLAIM, status=Status.FAILED)),
    "failed for good, no limit": (Failed(BOOM, permanent=True), None, replace(_CLAIM, status=Status.RELEASED)),
}


@pytest.mark.parametrize("name", _CONCLUSIONS)
def test_conclusions(name: str) -> None:
    """Each outcome turns the claim into its record."""
    outcome, attempts, expected = _CONCLUSIONS[name]
    assert conclude(_CLAIM, outcome, attempts) == expected


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (DONE, Verdict.DONE),
        (FAILED, Verdict.DEAD),
        (replace(FAILED, error=Failure(Fault.EXPIRED, "late")), Verdict.SHED),
        (RELEASED, Verdict.RETRY),
        (FOUND, Verdict.BUSY),
    ],
)
def test_verdicts(record: Record, verdict: Verdict) -> None:
    """Where the record is says how the delivery ends; only what is final is acked."""
    assert verdict_of(record) is verdict
    assert verdict.acked is (record.status in (Status.DONE, Status.FAILED))
