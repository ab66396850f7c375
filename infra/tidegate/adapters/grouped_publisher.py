"""Publishing of concurrent deliveries in few requests, as many at a time as fit memory."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.adapters.google_failures import PERMANENT, call_errors, google_failures
from tidegate.adapters.groups import Groups, Limits, alone
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.outstanding import Outstanding

MAX_MESSAGES = 1_000
MAX_BYTES = 9_500_000
"""Below Pub/Sub's 10 MB a request, which counts the topic's name and the framing as well."""

OUTSTANDING_MESSAGES = 10_000
OUTSTANDING_BYTES = 4 * MAX_BYTES
"""What all deliveries of an instance may have under way together, as flow control of Google's own client blocks."""

_CALLS = 2
_PACE_SECONDS = 0.004
_FRAMING_BYTES = 32  # at most what the request adds around a message, its data and its key
_ATTRIBUTE_BYTES = 12  # at most what it adds around an attribute's name and value


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What one delivery has for a request, and how many bytes of it that takes up."""

    messages: list[Outgoing]
    size: int


class GroupedPublisher:
    """Implements `tidegate.ports.Publisher`.

    A request holds messages of one topic and, as Pub/Sub wants it, of one ordering key or none; it takes along what
    other deliveries publish there meanwhile. Requests of a key follow one another, and when one fails, what waits
    behind it fails too. A request is made once there is room for it; until then its messages are nowhere but in the
    records that owe them.
    """

    def __init__(
        self,
        call: Callable[[str, Sequence[Outgoing]], Awaitable[None]],
        project: str,
        outstanding: Outstanding | None = None,
    ) -> None:
        """
        Args:
            call: makes one request to a topic; raises what Google's own clients raise, and ends in bounded time.
            project: where the topics are, for the words of a failure.
            outstanding: bounds all requests at a time.
        """
        self._call = call
        self._project = project
        self._outstanding = outstanding or Outstanding(OUTSTANDING_MESSAGES, OUTSTANDING_BYTES)
        self._lanes: dict[tuple[str, str], Groups[_Parcel, None]] = {}

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        sends = [self._send(*lane, parcels) for lane, parcels in _sorted(messages).items()]
        if len(sends) == 1:
            await sends[0]
            return
        failures = [each for each in await asyncio.gather(*sends, return_exceptions=True) if each is not None]
        unforeseen = [each for each in failures if not isinstance(each, PublishFailed)]
        if unforeseen:
            raise unforeseen[0]
        if failures:
            raise PublishFailed("; ".join(sorted({str(each) for each in failures}))) from failures[0].__cause__

    async def _send(self, topic: str, key: str, messages: list[Outgoing]) -> None:
        try:
            if key:
                await self._send_in_order(topic, key, messages)
            else:
                await self._send_at_once(topic, messages)
        except call_errors("NotFound") as error:
            raise PublishFailed(
                f"topic {topic} does not exist in project {self._project}: name it in the topology and deploy "
                f"that, or run `gcloud pubsub topics create {topic} --project={self._project}`"
            ) from error
        except google_failures() as error:
            raise PublishFailed(f"topic {topic}: {type(error).__name__}: {error}") from error

    async def _send_at_once(self, topic: str, messages: list[Outgoing]) -> None:
        groups = self._lane(topic, "")
        asked = [_asked(groups, each) for each in self._parcels(messages)]
        if len(asked) == 1:
            await asked[0]
            return
        failures = [each for each in await asyncio.gather(*asked, return_exceptions=True) if each is not None]
        if failures:
            raise failures[0]

    async def _send_in_order(self, topic: str, key: str, messages: list[Outgoing]) -> None:
        """One parcel after another; the first that fails is the last, or later messages would overtake it."""
        try:
            for each in self._parcels(messages):
                # Asked for anew each time: it may have been idle, and forgotten, for a moment.
                await _asked(self._lane(topic, key), each)
        finally:
            if self._lane(topic, key).idle:
                self._lanes.pop((topic, key), None)

    def _lane(self, topic: str, key: str) -> Groups[_Parcel, None]:
        if (topic, key) not in self._lanes:

            async def call(parcels: list[_Parcel]) -> Sequence[Exception | None]:
                messages = [each for parcel in parcels for each in parcel.messages]
                try:
                    async with self._outstanding.place(len(messages), sum(parcel.size for parcel in parcels)):
                        await self._call(topic, messages)
                except call_errors(*PERMANENT):
                    if key or len(parcels) == 1:
                        raise
                    # One of them is malformed, and the others have no part in it.
                    return await alone(call, parcels)
                return [None] * len(parcels)

            limits = Limits(self._most_messages, self._most_bytes, 1 if key else _CALLS, 0 if key else _PACE_SECONDS)
            self._lanes[topic, key] = Groups(call, limits, ordered=bool(key))
        return self._lanes[topic, key]

    def _parcels(self, messages: Iterable[Outgoing]) -> Iterator[_Parcel]:
        """The messages in order, cut where a request is full. One too large for any gets its own."""
        parcel: list[Outgoing] = []
        total = 0
        for message in messages:
            size = _size(message)
            if parcel and (len(parcel) == self._most_messages or total + size > self._most_bytes):
                yield _Parcel(parcel, total)
                parcel, total = [], 0
            parcel.append(message)
            total += size
        if parcel:
            yield _Parcel(parcel, total)

    @property
    def _most_messages(self) -> int:
        return min(MAX_MESSAGES, self._outstanding.max_pieces)

    @property
    def _most_bytes(self) -> int:
        return min(MAX_BYTES, self._outstanding.max_bytes)


def _asked(groups: Groups[_Parcel, None], parcel: _Parcel) -> Coroutine[Any, Any, None]:
    return groups.ask(parcel, pieces=len(parcel.messages), size=parcel.size)


def _sorted(messages: Iterable[Outgoing]) -> dict[tuple[str, str], list[Outgoing]]:
    """The messages by topic and ordering key, in their order."""
    lanes: dict[tuple[str, str], list[Outgoing]] = {}
    for message in messages:
        lanes.setdefault((message.topic, message.key), []).append(message)
    return lanes


def _size(message: Outgoing) -> int:
    """The bytes of a request that a message takes up, at most; told without making a copy of its data."""
    attributes = message.attributes
    text = "".join((message.key, *attributes, *attributes.values()))
    return len(message.data) + len(text.encode()) + _ATTRIBUTE_BYTES * len(attributes) + _FRAMING_BYTES
