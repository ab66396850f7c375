"""The breaker's state machine, in time that is moved by hand."""

from datetime import datetime, timedelta

import pytest

from tidegate.breakers import Admission, Circuit, Phase, State, admit, conclude, is_admissible, learn
from tidegate.dependency_limits import Breaker
from tidegate.signs import Sign
from tidegate.testing import NOON

LIMITS = Breaker(failures=3, window_seconds=60, cool_down_seconds=30, longest_cool_down_seconds=100, probes=2)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def used(state: State, sign: Sign, seconds: float) -> State:
    """The state after a use that began and ended in the same moment."""
    assert is_admissible(state, LIMITS, at(seconds))
    begun, admission = admit(state)
    return conclude(begun, admission, sign, LIMITS, at(seconds), detail="TimeoutError")


def tripped(seconds: float = 0) -> State:
    """A breaker that opened at this time."""
    state = State()
    for _ in range(LIMITS.failures):
        state = used(state, Sign.FAILED, seconds)
    return state


def test_it_opens_after_failures_in_a_row() -> None:
    """The last of them opens it for one cool-down, and it says why."""
    state = State()
    for seconds in (0, 10):
        state = used(state, Sign.FAILED, seconds)
        assert state.phase(at(seconds)) is Phase.CLOSED
    state = used(state, Sign.FAILED, 20)
    assert state.circuit == Circuit(1, 30, at(50), "3 uses in a row failed, the last with TimeoutError")
    assert [state.phase(at(each)) for each in (20, 49.9, 50)] == [Phase.OPEN, Phase.OPEN, Phase.HALF_OPEN]


def test_an_answer_starts_the_row_anew() -> None:
    """A service that answers now and then is not cut off."""
    state = State()
    for seconds in range(0, 50, 5):
        state = used(state, Sign.ANSWERED if seconds % 15 == 10 else Sign.FAILED, seconds)
    assert state.phase(at(50)) is Phase.CLOSED


def test_failures_outside_the_window_are_forgotten() -> None:
    """Rare failures never add up."""
    state = State()
    for seconds in range(0, 600, 30):
        state = used(state, Sign.FAILED, seconds)
    assert (state.phase(at(600)), len(state.failures)) == (Phase.CLOSED, 2)


def test_what_is_unclear_changes_nothing() -> None:
    """A fault in the handler neither adds to the row nor ends it."""
    state = used(used(State(), Sign.FAILED, 0), Sign.UNCLEAR, 1)
    assert state.failures == (at(0),)


def test_nothing_passes_while_it_is_open() -> None:
    """Until the cool-down is over."""
    state = tripped()
    assert [is_admissible(state, LIMITS, at(each)) for each in (0, 29.9, 30)] == [False, False, True]


def test_only_so_many_probes_at_the_same_time() -> None:
    """Further uses wait for what the probes find out."""
    state = tripped()
    for _ in range(LIMITS.probes):
        assert is_admissible(state, LIMITS, at(30))
        state, _ = admit(state)
    assert not is_admissible(state, LIMITS, at(30))


def test_an_unclear_probe_frees_its_place() -> None:
    """A probe that ended without evidence must not keep the dependency cut off for ever."""
    state = tripped()
    for _ in range(3 * LIMITS.probes):
        state = used(state, Sign.UNCLEAR, 30)
    assert (state.phase(at(30)), state.probes) == (Phase.HALF_OPEN, 0)


def test_an_answered_probe_closes_it() -> None:
    """Nothing of the outage is remembered: the next one begins with the shortest cool-down."""
    assert used(tripped(), Sign.ANSWERED, 30) == State()


def test_the_cool_down_grows_while_probes_fail() -> None:
    """It doubles from one failed probe to the next, up to the longest."""
    state, seconds = tripped(), 30.0
    lengths = [state.circuit.cool_down_seconds]
    for _ in range(40):
        state = used(state, Sign.FAILED, seconds)
        lengths.append(state.circuit.cool_down_seconds)
        seconds += lengths[-1]
    assert lengths[:4] == [30, 60, 100, 100]
    assert lengths[-1] == 100
    assert state.circuit.reason == "a probe failed with TimeoutError"


@pytest.mark.parametrize("sign", list(Sign))
def test_uses_from_before_it_opened_say_nothing(sign: Sign) -> None:
    """What was under way at that time ends as it ends: it neither closes nor prolongs the cut."""
    state = tripped()
    assert conclude(state, Admission(Circuit()), sign, LIMITS, at(5)) == state


@pytest.mark.parametrize("sign", list(Sign))
def test_a_probe_of_an_earlier_cut_says_nothing(sign: Sign) -> None:
    """Another instance's evidence came first."""
    begun, probe = admit(tripped())
    other = learn(begun, Circuit(2, 60, at(90), "a probe failed"), timedelta(), at(31))
    assert conclude(other, probe, sign, LIMITS, at(32)) == other
    closed = learn(begun, Circuit(), timedelta(), at(31))
    assert conclude(closed, probe, sign, LIMITS, at(32)) == closed


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
@pytest.mark.parametrize(("age", "left"), [(-1, 30), (0, 30), (12, 18), (30, 0), (500, 0)])
def test_what_others_found_is_reckoned_from_its_age(skew: float, age: float, left: float) -> None:
    """Whatever the clock of whoever opened it says, it is cut off here until its cool-down is over."""
    state = learn(State(), Circuit(1, 30, at(30 + skew), "down"), timedelta(seconds=age), at(0))
    assert state.until is not None
    assert max(0.0, (state.until - at(0)).total_seconds()) == left
    assert state.phase(at(left)) is Phase.HALF_OPEN


def test_what_is_known_already_changes_nothing() -> None:
    """Probes and ends are kept when the same circuit is read again."""
    state, _ = admit(tripped())
    assert learn(state, state.circuit, timedelta(seconds=10), at(20)) is state


def test_news_forget_ones_own_row() -> None:
    """After others have closed it, it takes a new row of failures to open it."""
    closed = learn(tripped(), Circuit(), timedelta(), at(10))
    assert closed == State()
