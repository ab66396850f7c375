"""Whether topics and subscriptions are as the topology has them, by Pub/Sub's own word."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from google.api_core.exceptions import NotFound
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient
from google.pubsub_v1.types import PushConfig, Subscription

from tidegate.adapters.google_failures import google_failures
from tidegate.function_config import deployed_name
from tidegate.pauses import Pause
from tidegate.topology import Topology
from tidegate_ops.diagnosis.findings import Finding, fine, note, problem
from tidegate_ops.provision import subscription
from tidegate_ops.tap import TAP_PREFIX

_CALL_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """Compares one project's Pub/Sub with the topology; changes nothing.

    Attributes:
        emulated: whether it is the emulator, for which some settings are left out.
        endpoints: where each function's messages are to be pushed; without those that nobody knows.
        pauses: what is wanted of each function; without those that nobody knows.
    """

    topics: PublisherAsyncClient
    subscriptions: SubscriberAsyncClient
    project: str
    topology: Topology
    emulated: bool
    endpoints: Mapping[str, str]
    pauses: Mapping[str, Pause]

    async def diagnose(self) -> list[Finding]:
        """Everything that was looked at."""
        topics = sorted({*self.topology.topics, self.topology.dead_letter_topic})
        found = await asyncio.gather(
            *map(self._topic, topics), *map(self._subscription, sorted(self.topology.functions))
        )
        findings = [each for several in found for each in several]
        if not findings:
            said = f"{len(topics)} topics and {len(self.topology.functions)} subscriptions are as the topology has them"
            return [fine("Pub/Sub", said)]
        return findings

    @property
    def _remedy(self) -> str:
        return "restart `tidegate up`" if self.emulated else "deploy the topology: make deploy"

    async def _topic(self, name: str) -> list[Finding]:
        path = f"projects/{self.project}/topics/{name}"
        try:
            await self.topics.get_topic(topic=path, timeout=_CALL_SECONDS)
            pager = await self.topics.list_topic_subscriptions(topic=path, timeout=_CALL_SECONDS)
            attached = {each.rpartition("/")[2] async for each in pager}
        except NotFound:
            return [problem(f"topic {name}", "does not exist", self._remedy)]
        except google_failures() as error:
            return [problem(f"topic {name}", f"cannot be read: {_told(error)}", "grant roles/pubsub.viewer")]
        known = set(map(deployed_name, self.topology.functions))
        strangers = sorted(each for each in attached - known if not each.startswith(TAP_PREFIX))
        return [
            note(f"topic {name}", f"subscription {each} is of no function", "delete it if nobody pulls from it")
            for each in strangers
        ]

    async def _subscription(self, function: str) -> list[Finding]:
        wanted = subscription(
            self.project, self.topology, function, self.endpoints.get(function, ""), emulated=self.emulated
        )
        subject = f"subscription {deployed_name(function)}"
        try:
            found = await self.subscriptions.get_subscription(subscription=wanted.name, timeout=_CALL_SECONDS)
        except NotFound:
            return [problem(subject, f"does not exist: nothing reaches {function}", self._remedy)]
        except google_failures() as error:
            return [problem(subject, f"cannot be read: {_told(error)}", "grant roles/pubsub.viewer")]
        differences = [problem(subject, each, self._remedy) for each in _differences(wanted, found, self.emulated)]
        return [*differences, *self._push(subject, function, found.push_config)]

    def _push(self, subject: str, function: str, found: PushConfig) -> Iterator[Finding]:
        pause, endpoint = self.pauses.get(function), self.endpoints.get(function)
        if not found.push_endpoint:
            if pause is None or not pause.is_on:
                remedy = f"tidegate resume {function}; where that does not help: {self._remedy}"
                yield problem(subject, f"pushes nothing, and {function} is not paused", remedy)
        elif pause is not None and pause.is_on:
            yield note(subject, f"pushes, though {function} is paused", "wait a minute for the governor")
        elif endpoint and found.push_endpoint.rstrip("/") != endpoint.rstrip("/"):
            yield problem(subject, f"pushes to {found.push_endpoint} instead of {endpoint}", self._remedy)
        elif not self.emulated and not found.oidc_token.service_account_email:
            yield problem(subject, "pushes without a signature, which no function accepts", self._remedy)


def _differences(wanted: Subscription, found: Subscription, emulated: bool) -> Iterator[str]:
    """What is otherwise than it is wanted; how it pushes is another matter."""
    settings = {
        "topic": lambda each: each.topic,
        "ack deadline": lambda each: f"{each.ack_deadline_seconds} s",
        "ordering": lambda each: each.enable_message_ordering,
        "filter": lambda each: each.filter,
        "retention": lambda each: each.message_retention_duration,
        "dead-letter policy": _backstop,
        **({} if emulated else {"retry policy": _backoff, "expiry": _expiry}),
    }
    for name, read in settings.items():
        if (now := read(found)) != (then := read(wanted)):
            yield f"{name} is {now or 'none'} instead of {then or 'none'}"


def _backstop(each: Subscription) -> str:
    policy = each.dead_letter_policy
    return f"{policy.dead_letter_topic} after {policy.max_delivery_attempts} deliveries" if policy else ""


def _backoff(each: Subscription) -> str:
    policy = each.retry_policy
    return f"from {_seconds(policy.minimum_backoff)} to {_seconds(policy.maximum_backoff)}" if policy else ""


def _expiry(each: Subscription) -> str:
    # Without a policy of its own a subscription that was idle for a month is deleted.
    if "expiration_policy" not in each:
        return "after 31 days"
    return f"after {each.expiration_policy.ttl}" if each.expiration_policy.ttl else "never"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
