"""Redriving: a dead letter's event goes back to the one function that failed, as it was."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tidegate.clock import Clock, system_clock
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.messages import REDRIVE, TARGET, Outgoing
from tidegate.ports import Publisher
from tidegate.topology import Topology
from tidegate_ops.filed_letters import FiledLetter, LetterFile, State

_EXPIRY = "ce-expirytime"  # has passed, or will have: the event would be shed instead of handled
_RESERVED = "goog"  # Pub/Sub adds such attributes itself, and takes none from publishers
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one letter; ``trouble`` is empty where it was settled."""

    letter: FiledLetter
    trouble: str = ""


class Pace:
    """Lets callers through at most ``per_second`` times a second, evenly."""

    def __init__(self, per_second: float, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._interval = 1 / per_second
        self._sleep = sleep
        self._next = 0.0

    async def wait(self) -> None:
        """Return when it is the caller's turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            await self._sleep(turn - now)


@dataclass(frozen=True, slots=True)
class Redrive:
    """Sends letters back.

    Attributes:
        operator: who asks for it; kept with the letter.
        pace: bounds the rate, since what was dead may be what an outside service could not take.
    """

    file: LetterFile
    publisher: Publisher
    topology: Topology
    operator: str
    pace: Pace = field(default_factory=lambda: Pace(50))
    clock: Clock = system_clock

    def topic_of(self, letter: FiledLetter) -> str:
        """Where the function that failed gets its events from.

        Raises:
            ConfigurationError: the letter cannot be redriven: the topology has no such function, or the
                ledger may have forgotten what was done for the event already.
        """
        function = self.topology.functions.get(letter.function)
        if function is None:
            raise ConfigurationError(
                f"letter {letter.id} is of the function {letter.function}, which is not in topology.yaml "
                f"(there are: {', '.join(self.topology.functions)}): declare it again, or drop the letter"
            )
        days = self.topology.limits.redrive_days
        if self.clock() - letter.died_at > timedelta(days=days):
            raise ConfigurationError(
                f"letter {letter.id} died on {letter.died_at:%Y-%m-%d}, more than redrive_days = {days:g} days ago: "
                "the ledger may have forgotten its steps, which would be repeated; drop it, and publish a new event "
                "if the work is still wanted"
            )
        return function.topic

    def refused(self, letters: Sequence[FiledLetter]) -> list[Outcome]:
        """Those of the letters that cannot be redriven, with the reasons."""
        refused = []
        for letter in letters:
            try:
                self.topic_of(letter)
            except ConfigurationError as error:
                refused.append(Outcome(letter, str(error)))
        return refused

    async def send(self, letter: FiledLetter, data: bytes) -> None:
        """Publish ``data`` as the letter's event to the function that failed, and mark the letter.

        Published first, marked then: a crash in between leaves an open letter whose event is on its
        way, and redriving it once more publishes the same event with the same redrive number. The
        ledger takes up a failed event once for each number, so the second copy has no effect. Marked
        first, the same crash would lose the event behind a letter that looks settled. Two operators at
        once are the same case: both copies are one redrive, and the second mark is refused.

        Raises:
            ConfigurationError: it cannot be redriven; see `topic_of`.
            PublishFailed: it was not published, and the letter is still open.
            LetterChanged: it was published; the letter was settled or filed again meanwhile.
        """
        await self.publisher.publish([outgoing(letter, self.topic_of(letter), data)])
        await self.file.settle(letter, State.REDRIVEN, settled_by=self.operator)

    async def send_all(self, letters: Sequence[FiledLetter], on_outcome: Callable[[Outcome], None]) -> None:
        """Send every letter back; ``on_outcome`` is told what became of each. One that fails stops no other."""
        lanes: dict[tuple[str, str], list[FiledLetter]] = {}
        for letter in letters:
            # Events of one ordering key go one after another; each of the others is a lane of its own.
            key = letter.attributes.get("ce-partitionkey", "")
            lanes.setdefault((letter.function, f"key {key}" if key else letter.id), []).append(letter)
        places = asyncio.Semaphore(_AT_ONCE)

        async def run(lane: list[FiledLetter]) -> None:
            async with places:
                for letter in lane:
                    await self.pace.wait()
                    on_outcome(await self._outcome(letter))

        await asyncio.gather(*map(run, lanes.values()))

    async def _outcome(self, letter: FiledLetter) -> Outcome:
        try:
            await self.send(letter, await self.file.payload(letter))
        except TidegateError as error:
            return Outcome(letter, str(error))
        return Outcome(letter)


def outgoing(letter: FiledLetter, topic: str, data: bytes) -> Outgoing:
    """The event as it is published again: the same identity, for one function, with the next redrive number."""
    attributes = {
        name: value
        for name, value in letter.attributes.items()
        if name != _EXPIRY and not name.lower().startswith(_RESERVED)
    }
    return Outgoing(
        topic=topic,
        data=data,
        attributes={
            **_identity(letter, topic),
            **{name: value for name, value in attributes.items() if value},
            TARGET: letter.function,
            REDRIVE: str(letter.redrive + 1),
        },
        key=attributes.get("ce-partitionkey", ""),
    )


def _identity(letter: FiledLetter, topic: str) -> dict[str, str]:
    """What makes a plain message the event that it was taken for: its new message id must not make it another."""
    return {"ce-specversion": "1.0", "ce-id": letter.event_id, "ce-source": "/pubsub", "ce-type": topic}
