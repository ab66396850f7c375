"""Pub/Sub held against the topology."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import NotFound, PermissionDenied
from google.pubsub_v1.types import ExpirationPolicy, PushConfig, Subscription

from tests.unit.test_provision import TOPOLOGY
from tidegate.pauses import Hold, Pause
from tidegate.testing import NOON
from tidegate_ops.diagnosis.drift import Drift
from tidegate_ops.diagnosis.findings import Weight
from tidegate_ops.provision import subscription

pytestmark = pytest.mark.anyio
ENDPOINTS = {name: f"https://{name}.example" for name in TOPOLOGY.functions}
PAUSED = Pause(hold=Hold("ann", "why", NOON))


@dataclass
class Pubsub:
    """In place of both clients, with all that the topology asks for, but for what a test changes."""

    emulated: bool = False
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    topics: set[str] = field(default_factory=lambda: {"order.placed", "note.edited", "dead.letters"})
    attached: list[str] = field(default_factory=list)
    refuses: bool = False

    def __post_init__(self) -> None:
        for name, endpoint in ENDPOINTS.items():
            made = subscription("desk", TOPOLOGY, name, endpoint, emulated=self.emulated)
            if not self.emulated:
                made.push_config.oidc_token = PushConfig.OidcToken(service_account_email="push@desk")
            self.subscriptions[name] = made

    async def get_topic(self, topic: str, timeout: float) -> None:
        if self.refuses:
            raise PermissionDenied("no")  # type: ignore[no-untyped-call]
        if topic.rpartition("/")[2] not in self.topics:
            raise NotFound("no")  # type: ignore[no-untyped-call]

    async def list_topic_subscriptions(self, topic: str, timeout: float) -> AsyncIterator[str]:
        async def names() -> AsyncIterator[str]:
            for each in self.attached:
                yield f"projects/desk/subscriptions/{each}"

        return names()

    async def get_subscription(self, subscription: str, timeout: float) -> Subscription:
        for each in self.subscriptions.values():
            if each.name == subscription:
                return each
        raise NotFound("no")  # type: ignore[no-untyped-call]

    async def findings(self, **pauses: Pause) -> list[tuple[Weight, str, str]]:
        client: Any = self
        every = {**dict.fromkeys(TOPOLOGY.functions, Pause()), **pauses}
        drift = Drift(client, client, "desk", TOPOLOGY, self.emulated, ENDPOINTS, every)
        return [(each.weight, each.subject, each.said) for each in await drift.diagnose()]


@pytest.mark.parametrize("emulated", [False, True])
async def test_no_drift(emulated: bool) -> None:
    """On the emulator some settings are left out; a tap's own subscriptions are nobody's affair."""
    pubsub = Pubsub(emulated, attached=["ship-order", "tap-1-order.placed"])
    [(weight, _, said)] = await pubsub.findings()
    assert (weight, said) == (Weight.FINE, "3 topics and 3 subscriptions are as the topology has them")


def _refuse_backstop(each: Subscription) -> None:
    each.dead_letter_policy.max_delivery_attempts = 5


def _shorten(each: Subscription) -> None:
    each.ack_deadline_seconds = 10


def _forget_backoff(each: Subscription) -> None:
    del each.retry_policy


def _expire(each: Subscription) -> None:
    each.expiration_policy = ExpirationPolicy(ttl=timedelta(days=31))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_refuse_backstop, "dead-letter policy is projects/desk/topics/dead.letters after 5 deliveries instead of"),
        (_shorten, "ack deadline is 10 s instead of 45 s"),
        (_forget_backoff, "retry policy is none instead of from 2.5 s to 30 s"),
        (_expire, "expiry is after 31 days"),
        (lambda each: setattr(each, "filter", ""), "filter is none instead of NOT attributes:tidegate-target"),
        (lambda each: setattr(each, "enable_message_ordering", True), "ordering is True instead of none"),
    ],
)
async def test_settings_that_differ(change: Any, says: str) -> None:
    """Each is named, with what it is and what it should be."""
    pubsub = Pubsub()
    change(pubsub.subscriptions["ship_order"])
    [(weight, subject, said)] = await pubsub.findings()
    assert (weight, subject) == (Weight.PROBLEM, "subscription ship-order")
    assert said.startswith(says)


async def test_how_it_pushes() -> None:
    """To the function, signed; not at all while it is paused."""
    pubsub = Pubsub()
    pubsub.subscriptions["ship_order"].push_config.push_endpoint = "https://elsewhere"
    del pubsub.subscriptions["edit_note"].push_config.oidc_token
    pubsub.subscriptions["dead_letters"].push_config = PushConfig()
    assert {subject: said for _, subject, said in await pubsub.findings()} == {
        "subscription ship-order": "pushes to https://elsewhere instead of https://ship_order.example",
        "subscription edit-note": "pushes without a signature, which no function accepts",
        "subscription dead-letters": "pushes nothing, and dead_letters is not paused",
    }
    found = await pubsub.findings(dead_letters=PAUSED, ship_order=PAUSED)
    assert [(weight, said) for weight, subject, said in found if subject != "subscription edit-note"] == [
        (Weight.NOTE, "pushes, though ship_order is paused")
    ]


async def test_what_is_missing_and_what_is_too_much() -> None:
    """A topic, a subscription, and one that no function has."""
    pubsub = Pubsub(attached=["stranger"])
    pubsub.topics.remove("note.edited")
    del pubsub.subscriptions["edit_note"]
    assert {(subject, said) for _, subject, said in await pubsub.findings()} == {
        ("topic dead.letters", "subscription stranger is of no function"),
        ("topic order.placed", "subscription stranger is of no function"),
        ("topic note.edited", "does not exist"),
        ("subscription edit-note", "does not exist: nothing reaches edit_note"),
    }


async def test_what_cannot_be_read() -> None:
    """It is a problem too."""
    found = await Pubsub(refuses=True).findings()
    assert [said for _, _, said in found] == ["cannot be read: PermissionDenied: 403 no"] * 3
