"""When a run has settled, and what it waits for until then."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from tidegate.client import JobStatus
from tidegate.errors import PublishFailed
from tidegate.jobs import JobState
from tidegate.jobs import Progress as Work
from tidegate.messages import Message
from tidegate.topology import Topology
from tidegate_ops.demo.progress import Patience, Progress, Stalled, TopicCount

TOPOLOGY = Topology.model_validate(
    {
        "application": "parcel-desk",
        "topics": {"order.placed": {}, "order.packed": {}, "governor.woken": {}, "dead.letters": {}},
        "functions": {
            "pack_order": {"topic": "order.placed", "emits": ["order.packed"]},
            "governor": {"topic": "governor.woken", "emits": ["governor.woken"]},
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
    }
)
PATIENT = Patience(stalled_seconds=90, idle_seconds=5)


def run(
    *,
    expected: int = 1,
    copied: frozenset[str] = frozenset(),
    jobs: tuple[str, ...] = (),
    monotonic: Callable[[], float] = lambda: 0.0,
) -> Progress:
    """A run that starts with one order."""
    return Progress(
        TOPOLOGY,
        expected={"pack_order": expected},
        published=1,
        jobs=jobs,
        is_copied=lambda topic, event: event in copied,
        monotonic=monotonic,
    )


def packed(progress: Progress) -> Progress:
    """After the one order was handled."""
    progress.saw("order.placed", message("e1", "1"))
    progress.delivered(line("1"))
    return progress


def job(state: JobState, settled: int, known: int) -> JobStatus:
    return JobStatus(id="j1", state=state, progress=Work(known, settled))


def message(event: str, message_id: str) -> Message:
    return Message(message_id, b"{}", {"ce-id": event})


def line(message_id: str, verdict: str = "done", *, event: str = "e1", emitted: int = 0) -> dict[str, Any]:
    return {
        "function": "pack_order",
        "event_id": event,
        "message_id": message_id,
        "verdict": verdict,
        "emitted": emitted,
    }


def test_a_run_is_settled_when_all_is_handled_and_acked() -> None:
    """The order is seen and packed, and what packing emitted has passed."""
    progress = run()
    progress.saw("order.placed", message("e1", "1"))
    progress.delivered(line("1", emitted=1))
    assert progress.outstanding() == ["1 events that were published or emitted have not passed on their topics"]
    progress.saw("order.packed", message("e2", "2"))
    assert progress.outstanding() == []
    assert progress.wait(lambda: None, PATIENT)


def test_the_log_may_be_ahead_of_the_tap() -> None:
    """A delivery's line that comes before its message counts all the same."""
    progress = run()
    progress.delivered(line("1"))
    progress.saw("order.placed", message("e1", "1"))
    assert progress.outstanding() == []


@pytest.mark.parametrize("verdict", ["busy", "retry"])
def test_what_is_delivered_again_is_not_settled(verdict: str) -> None:
    """Such verdicts are not acked, so the message is still owed one."""
    progress = run()
    progress.saw("order.placed", message("e1", "1"))
    progress.delivered(line("1", verdict))
    assert progress.outstanding() == [
        "pack_order: 1 messages are not acked (e1)",
        "pack_order: 0 of 1 events are handled",
    ]


def test_a_copy_is_owed_and_has_to_be_acked_itself() -> None:
    """Chosen at the first sight, seen once more, acked under its own message id."""
    progress = run(copied=frozenset({"e1"}))
    assert progress.saw("order.placed", message("e1", "1"))
    progress.delivered(line("1"))
    assert progress.outstanding() == ["1 messages have not been published the second time"]
    assert not progress.saw("order.placed", message("e1", "2")), "no duplicate of a duplicate"
    assert progress.outstanding() == ["pack_order: 1 messages are not acked (e1)"]
    progress.delivered(line("2", "duplicate"))
    assert progress.outstanding() == []
    assert progress.topics()["order.placed"] == TopicCount(messages=2, events=1, copies=1)


def test_a_message_that_the_tap_sees_twice_is_one() -> None:
    """Its message id tells."""
    progress = run(copied=frozenset({"e1"}))
    assert progress.saw("order.placed", message("e1", "1"))
    assert not progress.saw("order.placed", message("e1", "1"))
    assert progress.topics()["order.placed"].messages == 1
    assert "1 messages have not been published the second time" in progress.outstanding()


def test_a_dead_verdict_owes_a_letter_that_is_filed() -> None:
    """Settled only when the letter has passed and its own function has acked it."""
    progress = run()
    progress.saw("order.placed", message("e1", "1"))
    progress.delivered(line("1", "dead"))
    assert progress.outstanding() == ["1 dead letters have not passed on dead.letters"]
    letter = Message("2", b"{}", {"ce-id": "e1", "tidegate-dead-function": "pack_order"})
    progress.saw("dead.letters", letter)
    assert progress.outstanding() == ["dead_letters: 1 messages are not acked (pack_order:e1)"]
    progress.delivered({**line("2", event="letter"), "function": "dead_letters"})
    assert progress.outstanding() == []


def test_a_job_is_waited_for_though_all_is_handled() -> None:
    """It is under way until it says itself that it has settled, however that ended."""
    progress = packed(run(jobs=("friday", "saturday")))
    assert progress.outstanding() == [f"job of {day}: it has not been accepted" for day in ("friday", "saturday")]
    progress.told("friday", job(JobState.FAILED, 3, 3))
    progress.told("saturday", job(JobState.RUNNING, 2, 4))
    assert progress.outstanding() == ["job of saturday: running; 2 of 4 known units have settled"]
    assert progress.work() == (5, 7)
    progress.told("saturday", job(JobState.SUCCEEDED, 4, 4))
    assert progress.wait(lambda: None, PATIENT)


def test_a_job_that_never_settles_stalls_the_run() -> None:
    """That everything else is done does not make it idle; to hear the same of the job again is no move."""
    progress = packed(run(jobs=("friday",), monotonic=ticking(50)))
    running = job(JobState.RUNNING, 2, 4)
    progress.told("friday", running)
    with pytest.raises(Stalled, match=r"outstanding:\n  job of friday: running; 2 of 4 known units have settled"):
        progress.wait(lambda: progress.told("friday", running), PATIENT)


def test_handlings_of_one_event_count_once() -> None:
    """A duplicate is no second event."""
    progress = run(expected=2)
    for message_id in ("1", "2"):
        progress.delivered(line(message_id))
    assert progress.handled()["pack_order"] == (1, 2)


def test_a_run_that_is_idle_too_early_is_not_settled() -> None:
    """Nothing is under way and too little was handled: the comparison will say what is missing."""
    progress = run(expected=2, monotonic=ticking(3))
    progress.saw("order.placed", message("e1", "1"))
    progress.delivered(line("1"))
    assert not progress.wait(lambda: None, PATIENT)


def test_a_stalled_run_says_what_is_outstanding() -> None:
    """It ends with the names of what was never acked."""
    progress = run(monotonic=ticking(50))
    progress.saw("order.placed", message("e1", "1"))
    with pytest.raises(Stalled, match=r"nothing has moved for 90 s; outstanding:\n  pack_order: 1 messages .* \(e1\)"):
        progress.wait(lambda: None, PATIENT)


def test_a_failure_elsewhere_ends_the_wait() -> None:
    """Its error is raised where the run is waited for."""
    progress = run()
    progress.fail(PublishFailed("no such topic"))
    with pytest.raises(PublishFailed, match="no such topic"):
        progress.wait(lambda: None, PATIENT)


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that moves by so much each time it is read."""
    ticks: Iterator[int] = count()
    return lambda: next(ticks) * seconds


def test_the_governor_has_nothing_to_do_with_it() -> None:
    """What comes each minute is neither waited for nor counted, nor is what it emits for later."""
    progress = packed(run())
    assert not progress.saw("governor.woken", message("minute", "7"))
    progress.delivered({**line("7", event="minute", emitted=1), "function": "governor"})
    assert progress.outstanding() == []
    assert progress.topics()["governor.woken"] == TopicCount(0, 0, 0)
