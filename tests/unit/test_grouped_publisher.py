"""Publishing together: which messages share a request, and what a request that fails means for whom."""

import asyncio
from collections.abc import Sequence

import pytest
from google.api_core import exceptions

from tidegate.adapters.grouped_publisher import GroupedPublisher
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.outstanding import Outstanding
from tidegate.testing.virtual_loop import run

MALFORMED = exceptions.InvalidArgument("malformed")
AWAY = exceptions.ServiceUnavailable("away")


class Broker:
    """Takes a second for each request.

    Attributes:
        requests: the requests that it accepted, as they began.
        failing: what it says of requests with these data in them, and how often.
    """

    def __init__(self, outstanding: Outstanding | None = None) -> None:
        self.requests: list[tuple[float, str, list[str]]] = []
        self.failing: dict[str, tuple[Exception, int]] = {}
        self.publisher = GroupedPublisher(self._request, "p", outstanding)

    async def publish(self, *messages: Outgoing, at: float = 0) -> str:
        """Publish at this time; what went wrong, if something did."""
        await asyncio.sleep(at)
        try:
            await self.publisher.publish(messages)
        except PublishFailed as failed:
            return str(failed)
        return ""

    async def _request(self, topic: str, messages: Sequence[Outgoing]) -> None:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        data = [each.data.decode() for each in messages]
        for each in data:
            error, times = self.failing.get(each, (None, 0))
            if error and times:
                self.failing[each] = (error, times - 1)
                raise error
        self.requests.append((began, topic, data))


def out(data: str, *, topic: str = "t", key: str = "") -> Outgoing:
    return Outgoing(topic, data.encode(), key=key)


def all_of(*published: "asyncio.Future[str] | object") -> list[str]:
    async def story() -> list[str]:
        return list(await asyncio.gather(*published))  # type: ignore[call-overload]

    return run(story())


def test_deliveries_share_requests_of_a_topic() -> None:
    """Each topic has its own; what comes while as many as may be are under way goes along with the next."""
    broker = Broker()
    times = [0, 0, 0.1, 0.2, 0.3]
    failures = all_of(
        *(broker.publish(out(f"{n}"), at=at) for n, at in enumerate(times)), broker.publish(out("u", topic="u"))
    )
    assert failures == [""] * 6
    assert sorted(broker.requests) == [
        (0, "t", ["0", "1"]),
        (0, "u", ["u"]),
        (pytest.approx(0.1), "t", ["2"]),
        (1, "t", ["3", "4"]),
    ]


def test_a_request_has_one_key() -> None:
    """Pub/Sub wants it so; and requests of one key follow one another, those of others go beside them."""
    broker = Broker()
    mixed = [out(f"{key or '-'}{n}", key=key) for n in range(2) for key in ("", "a", "b")]
    all_of(broker.publish(*mixed), broker.publish(out("a2", key="a"), at=0.5))
    assert sorted(broker.requests) == [
        (0, "t", ["-0", "-1"]),
        (0, "t", ["a0", "a1"]),
        (0, "t", ["b0", "b1"]),
        (1, "t", ["a2"]),
    ]


def test_nothing_of_a_key_overtakes_what_failed() -> None:
    """Neither the rest of the same outbox nor what waits behind it; another key is not concerned."""
    broker = Broker(Outstanding(max_pieces=1, max_bytes=1000))
    broker.failing["a0"] = (AWAY, 1)
    failures = all_of(
        broker.publish(out("a0", key="a"), out("a1", key="a")),
        broker.publish(out("a2", key="a"), at=0.5),
        broker.publish(out("b0", key="b"), at=0.5),
        broker.publish(out("a0", key="a"), at=5),
    )
    assert [bool(each) for each in failures] == [True, True, False, False]
    assert [data for _, _, data in broker.requests] == [["b0"], ["a0"]]


def test_a_malformed_message_fails_its_own_delivery_alone() -> None:
    """The request is made again for each that shared it."""
    broker = Broker()
    broker.failing["1"] = (MALFORMED, 2)
    failures = all_of(*(broker.publish(out(f"{n}")) for n in range(3)))
    assert ["malformed" in each for each in failures] == [False, True, False]
    assert sorted(data for _, _, data in broker.requests) == [["0"], ["2"]]


def test_a_broker_that_is_away_fails_all_that_share_the_request() -> None:
    """Each of them is told so; none of it is repeated here."""
    broker = Broker()
    broker.failing["1"] = (AWAY, 1)
    failures = all_of(*(broker.publish(out(f"{n}")) for n in range(3)))
    assert all("topic t: ServiceUnavailable: 503 away" in each for each in failures)
    assert broker.requests == []


def test_keys_leave_nothing_behind() -> None:
    """However many keys there are, what is kept of them is gone once their messages are out."""
    broker = Broker()
    all_of(*(broker.publish(out("x", key=f"k{n}")) for n in range(50)))
    assert broker.publisher._lanes == {}
