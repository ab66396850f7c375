"""Pauses in Firestore: on the memory client and on the emulator."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from google.cloud.firestore import AsyncClient

from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.errors import WriteConflict
from tidegate.pauses import CutOff, Hold, Pause, Push
from tidegate.testing import NOON

pytestmark = pytest.mark.anyio

HOLD = Hold("ann", "the partner [EU] asked for it", NOON + timedelta(microseconds=123_456))
CUT_OFF = CutOff("rebooking-api", NOON + timedelta(seconds=30), "5 uses failed", NOON + timedelta(seconds=29), NOON)
PUSH = Push("https://desk.example/", "push@p.example", "https://desk.example/", True, True, {"x-goog-version": "v1"})


@pytest.fixture
def pauses(client: AsyncClient) -> FirestorePauses:
    """The adapter under test."""
    return FirestorePauses(client)


async def test_what_was_never_paused_is_not_there(pauses: FirestorePauses, name: Callable[[], str]) -> None:
    """Functions that run leave no trace."""
    assert await pauses.read(name()) is None


async def test_a_pause_is_read_as_it_was_written(pauses: FirestorePauses, name: Callable[[], str]) -> None:
    """Each part alone and all of them together, to the microsecond, with the version that the write returned."""
    function = name()
    fewer = Push("https://desk.example/", attributes={})
    wanted = [Pause(HOLD), Pause(HOLD, CUT_OFF, PUSH), Pause(cut_off=CUT_OFF, push=PUSH), Pause(push=fewer), Pause()]
    for pause in wanted:
        before = await pauses.read(function)
        version = await pauses.write(function, pause, before.version if before else None)
        stored = await pauses.read(function)
        assert stored is not None
        assert (stored.pause, stored.version) == (pause, version)
        if pause.cut_off:
            assert stored.pause.cut_off is not None
            assert (stored.pause.cut_off.ends, stored.pause.cut_off.at) == (CUT_OFF.ends, CUT_OFF.at)


async def test_of_many_that_write_at_once_one_stands(pauses: FirestorePauses, name: Callable[[], str]) -> None:
    """The first write stands, and the others are told that theirs does not; so also for changes of it."""
    function = name()
    version = None
    for turn in range(2):
        mine = [Pause(Hold(f"{turn}.{each}", "", NOON)) for each in range(8)]
        ends = await asyncio.gather(*(pauses.write(function, each, version) for each in mine), return_exceptions=True)
        [winner] = [each for each, end in zip(mine, ends, strict=True) if not isinstance(end, Exception)]
        assert [type(end) for end in ends if isinstance(end, Exception)] == [WriteConflict] * 7
        stored = await pauses.read(function)
        assert stored is not None
        assert stored.pause == winner
        version = stored.version
