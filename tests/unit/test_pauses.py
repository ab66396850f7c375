"""What a pause says, and what is to be done about it."""

from datetime import timedelta

import pytest

from tidegate.breakers import Circuit
from tidegate.pauses import Attach, CutOff, Detach, Hold, Pause, Push, Remember, Rest, Step, next_step, woken
from tidegate.testing import NOON

HOLD = Hold("ann", "maintenance", NOON)
PUSH, OTHER = Push("https://desk.example/"), Push("https://desk.example/", "push@p.example")


def cut_off(name: str = "api", seconds: float = 30) -> CutOff:
    ends = NOON + timedelta(seconds=seconds)
    return CutOff(name, ends, "5 uses failed", ends=ends, at=NOON)


@pytest.mark.parametrize(
    ("pause", "attached", "step"),
    [
        (Pause(), PUSH, Rest()),
        (Pause(), None, Rest()),  # never paused: somebody else took it off
        (Pause(push=PUSH), PUSH, Rest()),
        (Pause(push=PUSH), OTHER, Rest()),  # deployed anew since
        (Pause(push=PUSH), None, Attach(PUSH)),
        (Pause(HOLD), PUSH, Remember(PUSH)),
        (Pause(HOLD, push=PUSH), PUSH, Detach()),
        (Pause(HOLD, push=PUSH), OTHER, Remember(OTHER)),  # deployed anew while it was paused
        (Pause(HOLD, push=PUSH), None, Rest()),
        (Pause(cut_off=cut_off(), push=PUSH), PUSH, Detach()),
        (Pause(HOLD, cut_off(), PUSH), None, Rest()),
    ],
)
def test_the_next_step(pause: Pause, attached: Push | None, step: Step) -> None:
    """What is wanted and what is decide it together."""
    assert next_step(pause, attached) == step


@pytest.mark.parametrize("pause", [Pause(), Pause(HOLD), Pause(cut_off=cut_off()), Pause(HOLD, cut_off())])
@pytest.mark.parametrize("attached", [None, PUSH, OTHER])
@pytest.mark.parametrize("known", [None, PUSH])
def test_the_steps_end(pause: Pause, attached: Push | None, known: Push | None) -> None:
    """From everywhere at most two steps lead to rest; paused then means detached, and nothing that was on is lost."""
    pause, on = pause.remembering(known) if known else pause, attached
    for _ in range(3):
        match next_step(pause, attached):
            case Remember(push):
                pause = pause.remembering(push)
            case Detach():
                attached = None
            case Attach(push):
                attached = push
    assert next_step(pause, attached) == Rest()
    if pause.is_on:
        assert attached is None
        assert pause.push == (on or known)
    else:
        assert attached == (on or known)


def test_the_two_reasons_are_independent() -> None:
    """It is paused while there is one of them; neither touches the other."""
    both = Pause().held(HOLD).judged([cut_off()], NOON)
    assert (both.hold, both.cut_off, both.is_on) == (HOLD, cut_off(), True)
    assert both.released() == Pause(cut_off=cut_off())
    assert both.judged([], NOON) == Pause(HOLD)
    assert not both.released().judged([], NOON).is_on


def test_who_came_first_goes_on_holding_it() -> None:
    """A second operator's reason does not replace the first one's."""
    assert Pause(HOLD).held(Hold("bob", "me too", NOON)) == Pause(HOLD)


def test_of_several_cut_offs_the_longest_counts() -> None:
    """As long as it lasts."""
    short, long = cut_off("short", 10), cut_off("long", 20)
    assert Pause().judged([short, long, short], NOON).cut_off == long
    assert Pause().judged([short, long], NOON + timedelta(seconds=15)).cut_off == long
    assert Pause(cut_off=long).judged([short, long], NOON + timedelta(seconds=20)).cut_off is None


def test_what_was_known_already_changes_nothing() -> None:
    """The same cut-off found again a little later is no reason to write."""
    known = Pause(cut_off=cut_off())
    later = CutOff("api", cut_off().until, "5 uses failed", NOON + timedelta(seconds=30.1), NOON + timedelta(seconds=9))
    assert known.judged([later], NOON) is known


@pytest.mark.parametrize(("age", "ends"), [(0, 30), (29, 1), (-5, 30), (30, None), (1000, None)])
def test_a_cut_off_lasts_as_long_as_the_cool_down(age: float, ends: float | None) -> None:
    """Reckoned from the circuit's age; one from the future is new."""
    circuit = Circuit(1, 30, NOON + timedelta(hours=1), "5 uses failed")
    found = CutOff.of("api", circuit, timedelta(seconds=age), NOON)
    assert (found and found.ends) == (NOON + timedelta(seconds=ends) if ends else None)


def test_a_closed_circuit_cuts_nothing_off() -> None:
    """However young it is."""
    assert CutOff.of("api", Circuit(), timedelta(), NOON) is None


def test_an_opening_is_one_event() -> None:
    """Whoever tells of it; another opening, or another dependency, is another one."""
    circuit = Circuit(1, 30, NOON, "5 uses failed")
    ids = [
        woken("api", circuit, NOON).attributes["ce-id"],
        woken("api", circuit, NOON + timedelta(seconds=1)).attributes["ce-id"],
        woken("api", Circuit(2, 30, NOON, "a probe failed"), NOON).attributes["ce-id"],
        woken("api", Circuit(1, 30, NOON + timedelta(seconds=1), "5 uses failed"), NOON).attributes["ce-id"],
        woken("web", circuit, NOON).attributes["ce-id"],
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
