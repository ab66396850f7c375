"""Push configurations of the broker in memory, for one process and one event loop."""

from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.errors import SubscriptionUnavailable
from tidegate.pauses import Push


class MemorySubscriptions:
    """Implements `tidegate.controls.Subscriptions`.

    The broker calls its functions directly, so nothing of a configuration matters but whether there is one; it is kept
    as it was given.
    """

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._given: dict[str, Push] = {}

    async def read(self, name: str) -> Push | None:
        self._require(name)
        return None if self._broker.is_paused(name) else self._given.get(name, Push(f"memory:{name}"))

    async def attach(self, name: str, push: Push) -> None:
        self._require(name)
        self._given[name] = push
        self._broker.resume(name)

    async def detach(self, name: str) -> None:
        self._require(name)
        self._broker.pause(name)

    def _require(self, name: str) -> None:
        if name not in self._broker.subscriptions:
            raise SubscriptionUnavailable(f"subscription {name} does not exist: subscribe it first")
