"""Pausing and resuming functions: the desired state is written first, then the subscription is made to follow.

Nothing here relies on having been told of every change. Each call goes by what is stored and by what the subscription
is at this moment, so that it may be made again, be made twice at once, and end anywhere.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from tidegate.clock import Clock, system_clock
from tidegate.controls import Controls
from tidegate.errors import StoreUnavailable, SubscriptionUnavailable, TidegateError, WriteConflict
from tidegate.function_config import deployed_name
from tidegate.pauses import Attach, CutOff, Detach, Hold, Pause, Remember, Rest, next_step
from tidegate.ports import Circuits, full_jitter

SWEEP = timedelta(minutes=1)
"""How often the topology's schedule has everything looked through, whatever anybody has noticed."""

_MARGIN = timedelta(seconds=1)  # so that a cool-down is over for certain when it is looked at again
_PASSES = 12
_LONGEST_PAUSE_SECONDS = 0.2


class Ungoverned(TidegateError):
    """Some functions could not be looked through; the message names them. The others are as they should be."""


class Governor:
    """Pauses and resumes functions, for the machine and for operators."""

    def __init__(
        self,
        controls: Controls,
        circuits: Circuits,
        *,
        clock: Clock = system_clock,
        jitter: Callable[[float], float] = full_jitter,
    ) -> None:
        self._pauses = controls.pauses
        self._subscriptions = controls.subscriptions
        self._circuits = circuits
        self._clock = clock
        self._jitter = jitter

    async def review(self, governs: Mapping[str, Sequence[str]], *, every_end: bool = False) -> dict[str, datetime]:
        """Cut functions off from now on, or no longer, as the circuits of what they depend on say.

        Args:
            governs: the functions, each with its dependencies.
            every_end: a review before this one may not have come to its end.

        Returns:
            When to look again at which dependency, at the end of its cool-down; where this review is the first to
            have noted that it is cut off.

        Raises:
            Ungoverned: not all could be looked through.
        """
        cut_offs = await self._cut_offs({name for dependencies in governs.values() for name in dependencies})
        results = await asyncio.gather(
            *(
                self._judge(function, [cut_offs[each] for each in dependencies if each in cut_offs])
                for function, dependencies in governs.items()
            ),
            return_exceptions=True,
        )
        _raise(dict(zip(governs, results, strict=True)))
        noted = {name for result in results if isinstance(result, set) for name in result}
        return {name: each.ends + _MARGIN for name, each in cut_offs.items() if every_end or name in noted}

    async def hold(self, function: str, hold: Hold) -> Pause:
        """Pause a function for an operator; who holds it already goes on holding it."""
        return await self._bring(function, lambda pause: pause.held(hold))

    async def release(self, function: str, dependencies: Iterable[str]) -> Pause:
        """Resume a function for an operator, unless one of its dependencies is cut off."""
        cut_offs = (await self._cut_offs(dependencies)).values()
        return await self._bring(function, lambda pause: pause.released().judged(cut_offs, self._clock()))

    async def _cut_offs(self, dependencies: Iterable[str]) -> dict[str, CutOff]:
        """Those that are cut off now, by their names."""
        names = sorted(dependencies)
        stored = await asyncio.gather(*map(self._circuits.read, names))
        now = self._clock()
        found = (CutOff.of(name, each.circuit, each.age, now) for name, each in zip(names, stored, strict=True) if each)
        return {each.dependency: each for each in found if each}

    async def _judge(self, function: str, cut_offs: Sequence[CutOff]) -> set[str]:
        """Apply what the circuits say to one function; which of its dependencies were not known to be cut off."""
        noted: set[str] = set()

        def judged(pause: Pause) -> Pause:
            wanted = pause.judged(cut_offs, self._clock())
            if wanted != pause:
                noted.update(each.dependency for each in cut_offs)
            return wanted

        await self._bring(function, judged)
        return noted

    async def _bring(self, function: str, change: Callable[[Pause], Pause]) -> Pause:
        """Write the pause that ``change`` makes, and go on until the subscription is as the pause wants it.

        What others write meanwhile is followed: the change is made once.

        Raises:
            SubscriptionUnavailable: it could not be read or changed, or would not stay as it was made.
            StoreUnavailable: the pause could not be read, or its write is unclear.
        """
        name = deployed_name(function)
        for number in range(_PASSES):
            if number > 1:
                await asyncio.sleep(self._jitter(_LONGEST_PAUSE_SECONDS))
            stored = await self._pauses.read(function)
            pause = stored.pause if stored else Pause()
            wanted = change(pause)
            if stored is None and wanted == pause:
                return pause  # it was never paused, so its subscription is nobody's business
            attached = await self._subscriptions.read(name)
            step = next_step(wanted, attached)
            if isinstance(step, Remember):
                wanted = wanted.remembering(step.push)
                step = next_step(wanted, attached)
            if wanted != pause:
                try:
                    await self._pauses.write(function, wanted, stored.version if stored else None)
                except WriteConflict:
                    continue
            change = _unchanged
            match step:
                case Detach():
                    await self._subscriptions.detach(name)
                case Attach(push):
                    await self._subscriptions.attach(name, push)
                case Rest() if wanted == pause:
                    return pause
        raise SubscriptionUnavailable(
            f"{name} does not stay as it is made: others change it or its pause all the time; try again"
        )


def _unchanged(pause: Pause) -> Pause:
    return pause


def _raise(results: Mapping[str, object]) -> None:
    """Raise what is no result: one error for all that may pass, or any other as it is."""
    troubles = {name: each for name, each in results.items() if isinstance(each, BaseException)}
    for each in troubles.values():
        if not isinstance(each, StoreUnavailable | SubscriptionUnavailable):
            raise each
    if troubles:
        raise Ungoverned("; ".join(f"{name}: {each}" for name, each in troubles.items()))
