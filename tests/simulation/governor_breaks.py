"""Deliberate breaks of the governor, for the same reason as those of the engine."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from tests.simulation.breaks import Break, named
from tests.simulation.world import World
from tidegate import governing
from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.governing import Governor
from tidegate.pauses import Pause, Push, Rest, Step, next_step
from tidegate.versions import Version


def _write_without_guard() -> AbstractContextManager[Any]:
    """A pause is written whatever others have written since it was read."""
    write = FirestorePauses.write

    async def bold(self: FirestorePauses, function: str, pause: Pause, expected: Version | None) -> Version:
        stored = await self.read(function)
        return await write(self, function, pause, stored.version if stored else None)

    return patch.object(FirestorePauses, "write", bold)


def _never_look_again() -> AbstractContextManager[Any]:
    """What the pause says is taken for what the subscription does, once it was made so."""

    async def trusting(self: Governor, function: str, change: Any) -> Pause:
        stored = await self._pauses.read(function)
        pause = stored.pause if stored else Pause()
        wanted: Pause = change(pause)
        if wanted == pause:
            return pause
        name = function.replace("_", "-")
        attached = await self._subscriptions.read(name)
        if attached is not None:
            wanted = wanted.remembering(attached)
        await self._pauses.write(function, wanted, stored.version if stored else None)
        if wanted.is_on:
            await self._subscriptions.detach(name)
        elif wanted.push:
            await self._subscriptions.attach(name, wanted.push)
        return wanted

    return patch.object(Governor, "_bring", trusting)


def _resume_what_is_held() -> AbstractContextManager[Any]:
    """When a dependency has recovered, its functions run again, whoever else holds them."""

    def eager(pause: Pause, attached: Push | None) -> Step:
        if pause.cut_off is None and attached is None and pause.push is not None:
            return governing.Attach(pause.push)
        return next_step(pause, attached) if pause.cut_off else Rest()

    return patch.object(governing, "next_step", eager)


def _forget_the_push() -> AbstractContextManager[Any]:
    """The push configuration is taken off before anybody has written it down."""

    def forgetful(pause: Pause, push: Push) -> Pause:
        return pause

    return patch.object(Pause, "remembering", forgetful)


def _never_sweep() -> AbstractContextManager[Any]:
    """The governor is woken by what has happened alone, and never by the clock."""

    async def never(self: World) -> None:
        return

    return patch.object(World, "_sweep", never)


def _pause_nothing() -> AbstractContextManager[Any]:
    """The governor looks on while what is cut off is delivered again and again."""

    def idle(self: Pause, *args: object) -> Pause:
        return self

    return patch.object(Pause, "judged", idle)


GOVERNOR_BREAKS: dict[str, Break] = named(
    _write_without_guard,
    _never_look_again,
    _resume_what_is_held,
    _forget_the_push,
    _never_sweep,
    _pause_nothing,
)
