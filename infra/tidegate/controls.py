"""What the governor asks of the outside world, besides what every function does."""

from dataclasses import dataclass
from typing import Protocol

from tidegate.pauses import Pause, Push
from tidegate.versions import Version


@dataclass(frozen=True, slots=True)
class StoredPause:
    """A pause as it was read, with the version to guard the next write by."""

    pause: Pause
    version: Version


class Pauses(Protocol):
    """Keeps what is wanted of functions' subscriptions. Safe for concurrent use by any number of processes."""

    async def read(self, function: str) -> StoredPause | None:
        """The pause as of now, or None where the function was never paused.

        Raises:
            StoreUnavailable: no answer.
        """
        ...

    async def write(self, function: str, pause: Pause, expected: Version | None) -> Version:
        """Replace the pause if it is still at version ``expected`` (None: if there is none yet).

        Raises:
            WriteConflict: it is not; nothing stands.
            StoreUnavailable: no answer; the write may stand, now or later.
        """
        ...


class Subscriptions(Protocol):
    """Push configurations of subscriptions, by their short names.

    Every method may be called again at will, and raises SubscriptionUnavailable where there is no clear answer, no
    such subscription, or no right to it.
    """

    async def read(self, name: str) -> Push | None:
        """How its messages are pushed, as of now; None where they wait."""
        ...

    async def attach(self, name: str, push: Push) -> None:
        """Have its messages pushed so, those included that have waited."""
        ...

    async def detach(self, name: str) -> None:
        """Let its messages wait, for as long as the subscription keeps them; requests under way go on."""
        ...


@dataclass(frozen=True, slots=True)
class Controls:
    """What the governor alone works with."""

    pauses: Pauses
    subscriptions: Subscriptions
