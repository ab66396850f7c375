"""Log lines for machines become lines for people."""

import json

from tidegate_ops.log_line import parse, render

DELIVERY = {
    "severity": "INFO",
    "message": "done e-1",
    "action": "delivery",
    "function": "assess_flight",
    "verdict": "done",
    "event_id": "e-1",
    "event_type": "flight.reported",
    "attempt": 1,
    "emitted": 2,
    "duration_ms": 12.345,
}


def shown(**changes: object) -> str:
    return render("assess_flight", json.dumps({**DELIVERY, **changes})).plain


def test_a_delivery_shows_verdict_event_and_outcome() -> None:
    """A delivery's line names who, how it ended, what it was about and what came of it."""
    assert shown() == "assess_flight      │ done      flight.reported e-1  → 2  12 ms"


def test_a_first_attempt_goes_without_saying() -> None:
    """The attempt is shown only from the second on."""
    assert "attempt" not in shown()
    assert "attempt 3" in shown(attempt=3)


def test_a_reason_and_its_traceback_are_shown() -> None:
    """What went wrong is on the line, the traceback below it under the same margin."""
    text = shown(verdict="dead", severity="ERROR", reason="no such airport", stack_trace="Traceback\n  boom")
    first, *below = text.splitlines()
    assert first.endswith("no such airport")
    assert below == ["                   │ Traceback", "                   │   boom"]


def test_a_message_shows_its_severity_and_logger() -> None:
    """What a handler logs itself is shown with its severity and the logger's name."""
    line = json.dumps({"severity": "WARNING", "message": "slow partner", "logger": "rebooking"})
    assert render("rebook_passengers", line).plain == "rebook_passengers  │ warning   slow partner  rebooking"


def test_other_lines_are_passed_on() -> None:
    """What is no JSON object with a message is shown as it is, brackets and all."""
    for line in ("Traceback [most recent]", "{not json", "[1, 2]", '{"a": 1}', ""):
        assert parse(line) is None
        assert render("x", line).plain == f"{'x':<18} │ {line}"


def test_a_name_keeps_its_colour() -> None:
    """A function has the same colour in every line, and functions differ."""
    names = ["split_manifest", "assess_flight", "track_hour", "rebook_passengers", "dead_letters"]
    styles = {name: render(name, "one").style for name in names}
    assert styles == {name: render(name, "two").style for name in names}
    assert len(set(styles.values())) > 2
