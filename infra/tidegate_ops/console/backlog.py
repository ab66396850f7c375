"""Backlog: what was published to a function and is not over for it yet."""

from collections import OrderedDict

from tidegate.messages import TARGET, Message
from tidegate.topology import Topology

_REMEMBERED = 100_000


class Backlog:
    """Counts messages between their publication and their acknowledgement, for each function.

    Both are told, in any order, and either may be told twice. A message that Pub/Sub's own dead-letter policy takes
    away stays counted, since nobody tells of that.
    """

    def __init__(self, topology: Topology) -> None:
        self._subscribers = {
            topic: topology.subscribers(topic) for topic in (*topology.topics, topology.dead_letter_topic)
        }
        self._waiting: dict[str, set[str]] = {name: set() for name in topology.functions}
        self._over: OrderedDict[tuple[str, str], None] = OrderedDict()  # what may be told of again

    def published(self, topic: str, message: Message) -> None:
        """A message is on the topic."""
        for function in self._subscribers.get(topic, ()):
            wanted = message.attributes.get(TARGET, function) == function
            if wanted and (function, message.id) not in self._over:
                self._waiting[function].add(message.id)

    def acked(self, function: str, message_id: str) -> None:
        """The message is over for the function."""
        if function not in self._waiting:
            return
        self._waiting[function].discard(message_id)
        self._over[function, message_id] = None
        while len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many messages wait for each function, or are being handled by it."""
        return {function: len(waiting) for function, waiting in self._waiting.items()}
