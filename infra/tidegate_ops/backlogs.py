"""How much waits for a function in Pub/Sub, as far as anybody can tell."""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from google.auth.transport.requests import AuthorizedSession
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient
from google.pubsub_v1.types import PullRequest

from tidegate.adapters.google_failures import google_failures
from tidegate.clock import Clock, system_clock
from tidegate.errors import TidegateError
from tidegate.events import timestamp
from tidegate.function_config import deployed_name
from tidegate_ops.google_apis import MONITORING, monitoring

_CALL_SECONDS = 10
_MOST_PULLED = 1000
_METRICS = "pubsub.googleapis.com/subscription/"
_WAITING, _AGE = f"{_METRICS}num_undelivered_messages", f"{_METRICS}oldest_unacked_message_age"
_SAMPLES = timedelta(minutes=10)  # they come each minute, up to four minutes late


class BacklogUnknown(TidegateError):
    """Nobody could be asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one function, or is under way to it.

    Attributes:
        count: how many messages; at least so many where ``more``.
        oldest: when the oldest of them was published; None without any, or where that is not known.
        as_of: when it was so.
    """

    count: int
    more: bool
    oldest: datetime | None
    as_of: datetime


class Backlogs(Protocol):
    """Tells what waits. Every method raises BacklogUnknown where there is no answer."""

    sees_running: bool
    """Whether it can tell for functions that are not paused as well."""

    async def look(self, functions: Collection[str]) -> Mapping[str, Backlog]:
        """The backlogs of these functions; without those that nothing is known of."""
        ...


class EmulatedBacklogs:
    """Backlogs on the emulator, which has no metrics: what can be pulled from a paused subscription waits there.

    It is given back at once. Each look counts as a delivery of what it sees, of which Pub/Sub's backstop allows
    a hundred, so this is for people and not for loops.
    """

    sees_running = False

    def __init__(self, client: SubscriberAsyncClient, project: str, *, clock: Clock = system_clock) -> None:
        self._client = client
        self._project = project
        self._clock = clock

    async def look(self, functions: Collection[str]) -> Mapping[str, Backlog]:
        return {each: await self._look(each) for each in functions}

    async def _look(self, function: str) -> Backlog:
        path = f"projects/{self._project}/subscriptions/{deployed_name(function)}"
        try:
            with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
                # Deprecated because it finds too little where messages keep coming: here nobody is to wait for one.
                answer = await self._client.pull(
                    PullRequest(subscription=path, max_messages=_MOST_PULLED, return_immediately=True),
                    timeout=_CALL_SECONDS,
                )
            found = answer.received_messages
            if found:
                ids = [each.ack_id for each in found]
                await self._client.modify_ack_deadline(
                    subscription=path, ack_ids=ids, ack_deadline_seconds=0, timeout=_CALL_SECONDS
                )
        except google_failures() as error:
            raise BacklogUnknown(f"what waits for {function} is not known: {error}") from error
        oldest = min((each.message.publish_time for each in found), default=None)
        return Backlog(len(found), len(found) == _MOST_PULLED, oldest, self._clock())


class MonitoredBacklogs:
    """Backlogs as Cloud Monitoring samples them each minute, up to four minutes late."""

    sees_running = True

    def __init__(
        self, session: AuthorizedSession, project: str, *, url: str = MONITORING, clock: Clock = system_clock
    ) -> None:
        """``session`` signs requests for an account with roles/monitoring.viewer."""
        self._api = monitoring(session, project, url, BacklogUnknown)
        self._project = project
        self._clock = clock

    async def look(self, functions: Collection[str]) -> Mapping[str, Backlog]:
        names = {deployed_name(each): each for each in functions}
        series = await self._ask(sorted(names))
        latest = {
            (each["metric"]["type"], each["resource"]["labels"]["subscription_id"]): each["points"][0]
            for each in series
            if each.get("points")
        }
        return {
            function: _backlog(latest[_WAITING, name], latest.get((_AGE, name)))
            for name, function in names.items()
            if (_WAITING, name) in latest
        }

    async def _ask(self, names: list[str]) -> list[dict[str, Any]]:
        now = self._clock()
        parameters = {
            "filter": f"metric.type = one_of({_quoted([_WAITING, _AGE])}) "
            f"AND resource.labels.subscription_id = one_of({_quoted(names)})",
            "interval.startTime": timestamp(now - _SAMPLES),
            "interval.endTime": timestamp(now),
        }
        answer = await self._api.ask(f"v3/projects/{self._project}/timeSeries", parameters)
        found: list[dict[str, Any]] = answer.get("timeSeries", [])
        return found


def _backlog(waiting: Mapping[str, Any], age: Mapping[str, Any] | None) -> Backlog:
    as_of, count = _end(waiting), _value(waiting)
    if not count or age is None:
        return Backlog(count, False, None, as_of)
    return Backlog(count, False, _end(age) - timedelta(seconds=_value(age)), as_of)


def _end(point: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(point["interval"]["endTime"])


def _value(point: Mapping[str, Any]) -> int:
    return int(point["value"]["int64Value"])


def _quoted(words: list[str]) -> str:
    return ", ".join(f'"{each}"' for each in words)
