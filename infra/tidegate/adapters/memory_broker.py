"""A broker in memory with the push semantics of Pub/Sub, for one process and one event loop.

At-least-once push with exponential backoff, acknowledgement deadline, ordering keys, the target
filter, pauses, and the dead-letter policy as the backstop. Timers run on the event loop's own clock, so a
loop with virtual time needs no change here.
"""

import asyncio
import base64
import itertools
import json
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from tidegate.clock import Clock, system_clock
from tidegate.errors import PublishFailed
from tidegate.events import timestamp
from tidegate.messages import TARGET, Message, Outgoing

_ACKS = frozenset({200, 201, 202, 204})

Push: TypeAlias = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""Handles one request (headers with lower-case names, body) and returns the HTTP status."""


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """How one function gets the messages of one topic.

    Attributes:
        push: gets every delivery as a request, in Pub/Sub's wrapped form.
        target: messages addressed to another function by ``tidegate-target`` are filtered out; empty
            for no filter.
        in_flight: the most requests at the same time.
        max_deliveries: after so many deliveries a message goes to ``dead_letter_topic``; None for never.
    """

    name: str
    topic: str
    push: Push
    target: str = ""
    ordered: bool = False
    in_flight: int = 8
    ack_deadline_seconds: float = 600
    min_backoff_seconds: float = 1
    max_backoff_seconds: float = 60
    max_deliveries: int | None = None
    dead_letter_topic: str = ""

    def accepts(self, attributes: Mapping[str, str]) -> bool:
        """Whether the subscription's filter lets a message through."""
        return not self.target or attributes.get(TARGET, self.target) == self.target


@dataclass(slots=True)
class _Pending:
    """One message on its way to one subscription."""

    message: Message
    key: str
    deliveries: int = 0


@dataclass(slots=True)
class _Queue:
    """A subscription at work: what waits, what is under way, and which keys are held by their first message."""

    subscription: PushSubscription
    waiting: deque[_Pending] = field(default_factory=deque)
    under_way: int = 0
    outstanding: int = 0
    behind: dict[str, deque[_Pending]] = field(default_factory=dict)
    paused: bool = False


class MemoryBroker:
    """Topics and push subscriptions; implements `tidegate.ports.Publisher`.

    ``observe(topic, message)`` sees every message once, when it is published.
    """

    def __init__(
        self,
        topics: Sequence[str],
        *,
        clock: Clock = system_clock,
        observe: Callable[[str, Message], None] = lambda topic, message: None,
    ) -> None:
        self._queues: dict[str, list[_Queue]] = {topic: [] for topic in topics}
        self._by_name: dict[str, _Queue] = {}
        self._clock = clock
        self._observe = observe
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Future[int]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    def subscribe(self, subscription: PushSubscription) -> None:
        """Deliver what is published to the topic from now on.

        Raises:
            KeyError: there is no such topic, or no such dead-letter topic.
        """
        if subscription.max_deliveries is not None and subscription.dead_letter_topic not in self._queues:
            raise KeyError(subscription.dead_letter_topic)
        queue = _Queue(subscription)
        self._queues[subscription.topic].append(queue)
        self._by_name[subscription.name] = queue

    @property
    def subscriptions(self) -> Collection[str]:
        """The names of all subscriptions."""
        return self._by_name.keys()

    def pause(self, name: str) -> None:
        """Push nothing any more to a subscription: its messages wait. Requests under way go on."""
        self._by_name[name].paused = True

    def resume(self, name: str) -> None:
        """Push again, what has waited first."""
        queue = self._by_name[name]
        queue.paused = False
        self._pump(queue)

    def is_paused(self, name: str) -> bool:
        return self._by_name[name].paused

    def backlog(self, name: str) -> int:
        """How many messages of a subscription are neither acked nor dead-lettered."""
        return self._by_name[name].outstanding

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Accept all messages or, where a topic is unknown or the broker closed, none."""
        if self._closed:
            raise PublishFailed("the broker is closed: start the application again, nothing is kept")
        unknown = sorted({each.topic for each in messages} - self._queues.keys())
        if unknown:
            raise PublishFailed(f"topic {', '.join(unknown)} does not exist: declare it in topology.yaml")
        for each in messages:
            self._accept(each)

    async def drained(self) -> None:
        """Wait until every message is acked or dead-lettered."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop delivering; requests under way are cancelled, overdue ones too, what waits is lost."""
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        running: list[asyncio.Future[Any]] = [*self._tasks, *self._requests]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _accept(self, outgoing: Outgoing) -> None:
        message = Message(
            id=str(next(self._ids)),
            data=outgoing.data,
            attributes=dict(outgoing.attributes),
            publish_time=self._clock(),
        )
        self._observe(outgoing.topic, message)
        for queue in self._queues[outgoing.topic]:
            if queue.subscription.accepts(message.attributes):
                queue.outstanding += 1
                self._idle.clear()
                self._line_up(queue, _Pending(message, outgoing.key if queue.subscription.ordered else ""))

    def _line_up(self, queue: _Queue, pending: _Pending) -> None:
        """Let a message wait its turn; one whose key is held waits behind the holder instead."""
        if pending.key:
            if pending.key in queue.behind:
                queue.behind[pending.key].append(pending)
                return
            queue.behind[pending.key] = deque()
        queue.waiting.append(pending)
        self._pump(queue)

    def _pump(self, queue: _Queue) -> None:
        while queue.waiting and not queue.paused and queue.under_way < queue.subscription.in_flight:
            queue.under_way += 1
            task = asyncio.get_running_loop().create_task(self._deliver(queue, queue.waiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, queue: _Queue, pending: _Pending) -> None:
        subscription = queue.subscription
        pending.deliveries += 1
        acked = await self._push(subscription, pending)
        queue.under_way -= 1
        if acked:
            self._settle(queue, pending)
        elif subscription.max_deliveries is not None and pending.deliveries >= subscription.max_deliveries:
            self._accept(_dead_letter(subscription, pending))
            self._settle(queue, pending)
        else:
            self._later(_backoff(subscription, pending.deliveries), queue, pending)
        self._pump(queue)

    async def _push(self, subscription: PushSubscription, pending: _Pending) -> bool:
        """Make the request; one that overruns the deadline goes on unheard, as in Pub/Sub."""
        body = _wrapped(subscription.name, pending, self._clock())
        request = asyncio.ensure_future(subscription.push({"content-type": "application/json"}, body))
        self._requests.add(request)
        request.add_done_callback(self._ended)
        await asyncio.wait({request}, timeout=subscription.ack_deadline_seconds)
        if not request.done() or request.cancelled() or request.exception():
            return False
        return request.result() in _ACKS

    def _ended(self, request: "asyncio.Future[int]") -> None:
        self._requests.discard(request)
        if not request.cancelled():
            request.exception()  # looked at, so that asyncio does not report an overdue one as forgotten

    def _later(self, seconds: float, queue: _Queue, pending: _Pending) -> None:
        def again() -> None:
            self._timers.discard(timer)
            queue.waiting.append(pending)
            self._pump(queue)

        timer = asyncio.get_running_loop().call_later(seconds, again)
        self._timers.add(timer)

    def _settle(self, queue: _Queue, pending: _Pending) -> None:
        if pending.key:
            behind = queue.behind[pending.key]
            if behind:
                queue.waiting.append(behind.popleft())
            else:
                del queue.behind[pending.key]
        queue.outstanding -= 1
        if not any(each.outstanding for queues in self._queues.values() for each in queues):
            self._idle.set()


def _backoff(subscription: PushSubscription, deliveries: int) -> float:
    return min(subscription.max_backoff_seconds, subscription.min_backoff_seconds * 2.0 ** min(deliveries - 1, 30))


def _wrapped(subscription: str, pending: _Pending, now: datetime) -> bytes:
    """The body of a wrapped push, as Pub/Sub writes it."""
    message = pending.message
    return json.dumps(
        {
            "subscription": f"projects/memory/subscriptions/{subscription}",
            "message": {
                "data": base64.b64encode(message.data).decode(),
                "attributes": message.attributes,
                "messageId": message.id,
                "publishTime": timestamp(message.publish_time or now),
                **({"orderingKey": pending.key} if pending.key else {}),
            },
        }
    ).encode()


def _dead_letter(subscription: PushSubscription, pending: _Pending) -> Outgoing:
    """The message as Pub/Sub's dead-letter policy forwards it."""
    source = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(pending.deliveries),
        "CloudPubSubDeadLetterSourceSubscription": subscription.name,
        "CloudPubSubDeadLetterSourceSubscriptionProject": "memory",
    }
    return Outgoing(
        subscription.dead_letter_topic, pending.message.data, {**pending.message.attributes, **source}, pending.key
    )
