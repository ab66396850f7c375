"""Submitting one event: once for certain, however often it has to be sent."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pytest_mock import MockerFixture

from tests.acceptance.tcp_proxy import TcpProxy
from tests.unit.client.hand_wound_time import HandWoundTime
from tests.unit.client.orders import OrderPlaced
from tests.unit.client.scripted_gateway import ScriptedGateway, fails, says
from tidegate.client import Client, GatewayUnavailable, SubmissionRefused
from tidegate.errors import ConfigurationError

pytestmark = pytest.mark.anyio


async def test_an_event_becomes_a_job(client: Client, gateway: ScriptedGateway) -> None:
    """An instance of a contract goes to its topic, in its version, under a key of its own."""
    first, second = [await client.submit(OrderPlaced(order=1)) for _ in range(2)]
    assert {first.id, second.id} == gateway.jobs.keys()
    sent = gateway.requests[0]
    assert (sent.path, sent.query) == ("/v1/events/order.placed", "version=2")
    assert json.loads(sent.body) == {"order": 1}
    assert len({each.headers["idempotency-key"] for each in gateway.requests}) == 2


async def test_options_are_told(client: Client, gateway: ScriptedGateway) -> None:
    """Every option reaches the gateway, in the words of its protocol."""
    await client.submit(
        topic="order.placed",
        data={"order": 1},
        key="customer-7",
        idempotency_key="order-1",
        callback_url="https://shop.example/settled",
        expires_in=timedelta(minutes=2),
        class_="bulk",
    )
    [sent] = gateway.requests
    assert (
        sent.headers.items()
        >= {
            "content-type": "application/json",
            "tidegate-ordering-key": "customer-7",
            "idempotency-key": "order-1",
            "tidegate-callback-url": "https://shop.example/settled",
            "tidegate-expires-in": "120",
            "tidegate-class": "bulk",
        }.items()
    )


async def test_bytes_are_sent_as_they_are(client: Client, gateway: ScriptedGateway) -> None:
    """Who has the JSON text already need not have it read and written again."""
    await client.submit(topic="order.placed", data=b'{"order":  1}')
    assert gateway.requests[0].body == b'{"order":  1}'


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_passing_troubles_are_sat_out(
    client: Client, gateway: ScriptedGateway, time: HandWoundTime, status: int
) -> None:
    """The same is sent again, under the same key, and not before the time that the gateway named."""
    gateway.script += [fails(status, retry_after="7"), fails(status)]
    await client.submit(OrderPlaced(order=1))
    first, *others = gateway.requests
    assert [(each.body, each.headers["idempotency-key"]) for each in others] == [
        (first.body, first.headers["idempotency-key"])
    ] * 2
    assert time.pauses == pytest.approx([10.5, 0.4])  # those who were told the same come in the seconds after it


async def test_a_retry_time_may_be_a_date(
    client: Client, gateway: ScriptedGateway, time: HandWoundTime, mocker: MockerFixture
) -> None:
    """Retry-After is read in both of its forms."""
    now = datetime(2013, 2, 8, 12, tzinfo=UTC)
    mocker.patch("tidegate.client.gateway.datetime").now.return_value = now
    moment = format_datetime(now + timedelta(seconds=30), usegmt=True)
    gateway.script += [fails(503, retry_after=moment), fails(503, retry_after="soon")]
    await client.submit(OrderPlaced(order=1))
    assert time.pauses == pytest.approx([40, 0.4])


async def test_a_restart_is_sat_out(
    client: Client, gateway: ScriptedGateway, network: TcpProxy, time: HandWoundTime
) -> None:
    """While nobody listens, the client comes back later."""
    target, network.target = network.target, ""
    time.meanwhile += [lambda: None, lambda: setattr(network, "target", target)]
    job = await client.submit(OrderPlaced(order=1))
    assert job.id in gateway.jobs
    assert len(time.pauses) == 2


async def test_a_lost_answer_makes_no_second_job(client: Client, gateway: ScriptedGateway, time: HandWoundTime) -> None:
    """Where the connection breaks after the event was accepted, sending it again finds the same job."""
    gateway.lose_answers = 1
    job = await client.submit(OrderPlaced(order=1))
    assert len(gateway.requests) == 2
    assert list(gateway.jobs) == [job.id]


async def test_patience_ends(client: Client, network: TcpProxy, time: HandWoundTime) -> None:
    """Tries get rarer, and end in time, with an error that says how to go on."""
    network.target = ""
    with pytest.raises(GatewayUnavailable, match=r"submit the same again under idempotency key order-1"):
        await client.submit(OrderPlaced(order=1), idempotency_key="order-1")
    assert time.pauses[:7] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10])
    assert 50 < sum(time.pauses) <= 60


async def test_a_wait_longer_than_the_patience_is_not_begun(
    client: Client, gateway: ScriptedGateway, time: HandWoundTime
) -> None:
    """A gateway that wants to be left alone for long is left alone at once; the error says for how long."""
    gateway.script += [fails(503, retry_after="3600")]
    with pytest.raises(GatewayUnavailable, match="try again later, or give the client more patience") as caught:
        await client.submit(OrderPlaced(order=1))
    assert caught.value.retry_after == 3600
    assert time.pauses == []


async def test_whoever_is_told_knows_why_the_client_waits(
    url: str, gateway: ScriptedGateway, time: HandWoundTime
) -> None:
    """Before each wait, in the gateway's own words; the error at the end of the patience has them, too."""
    gateway.script += [fails(503, detail="1,000 jobs have not settled", retry_after="2"), says("<h1>Oops</h1>", 502)]
    waits: list[tuple[str, float]] = []
    note = lambda reason, seconds: waits.append((str(reason), seconds))  # noqa: E731 - as somebody would pass it
    async with Client(url, pacing=time.pacing, patience=5, on_wait=note) as client:
        await client.submit(OrderPlaced(order=1))
        assert [(reason.removeprefix(url), seconds) for reason, seconds in waits] == [
            (" answered 503 Service Unavailable: 1,000 jobs have not settled", 3),
            (" answered 502 Bad Gateway", 0.4),
        ]
        gateway.script += [fails(429, detail="50 events a second are taken", retry_after="6")]
        with pytest.raises(GatewayUnavailable, match=r"429 .*50 events a second are taken.*more patience"):
            await client.submit(OrderPlaced(order=1))
    assert len(waits) == 2


async def test_those_who_were_told_the_same_spread(url: str, gateway: ScriptedGateway, time: HandWoundTime) -> None:
    """Over half as long again, and never before the time; however long it is, over ten seconds at most."""
    ceilings: list[float] = []

    def jitter(ceiling: float) -> float:
        ceilings.append(ceiling)
        return 0.0

    gateway.script += [fails(503, retry_after=seconds) for seconds in ("0", "4", "40")]
    async with Client(url, pacing=replace(time.pacing, jitter=jitter)) as client:
        await client.submit(OrderPlaced(order=1))
    assert (ceilings, time.pauses) == ([0.2, 2, 10], [0, 4, 40])


async def test_a_refusal_is_final(client: Client, gateway: ScriptedGateway, time: HandWoundTime) -> None:
    """What the gateway will never take is sent once; the error says what is wrong with it."""
    errors = [{"pointer": "/order", "detail": "should be a number"}]
    gateway.script += [fails(422, title="The data does not fit", detail="see errors", errors=errors)]
    with pytest.raises(SubmissionRefused, match="/order: should be a number") as caught:
        await client.submit(topic="order.placed", data={"order": "x"})
    assert caught.value.problem.title == "The data does not fit"
    assert caught.value.problem.errors[0].pointer == "/order"
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(("status", "advice"), [(401, "api_key"), (403, "credentials"), (404, "URL"), (418, "teapot")])
async def test_strangers_refusals_are_explained(
    client: Client, gateway: ScriptedGateway, status: int, advice: str
) -> None:
    """What stands in front of a gateway refuses with pages for browsers; the error says what to do instead."""
    gateway.script += [says("<h1>teapot</h1>", status)]
    with pytest.raises(SubmissionRefused, match=f"{status} .*{advice}"):
        await client.submit(OrderPlaced(order=1))


async def test_a_stranger_is_not_taken_for_a_gateway(client: Client, gateway: ScriptedGateway) -> None:
    """A page that is no answer of a gateway is no success."""
    gateway.script += [says("<h1>Welcome</h1>")]
    with pytest.raises(GatewayUnavailable, match="does not answer as a gateway does"):
        await client.submit(OrderPlaced(order=1))


async def test_credentials_are_sent(url: str, gateway: ScriptedGateway) -> None:
    """A key is sent as it is; a token is asked for anew each time, since tokens expire."""
    tokens = iter(["first", "second"])
    async with Client(url, api_key="secret", token=lambda: next(tokens)) as client:
        for _ in range(2):
            await client.submit(OrderPlaced(order=1))
    assert [each.headers["authorization"] for each in gateway.requests] == ["Bearer first", "Bearer second"]
    assert gateway.requests[0].headers["x-api-key"] == "secret"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data": 1}, "name the topic="),
        ({"topic": "order.placed", "data": {1, 2}}, "is no JSON"),
        ({"topic": "order.placed", "data": float("nan")}, "is no JSON"),
        ({"event": OrderPlaced(order=1), "topic": "order.packed"}, "leave topic= out"),
        ({"event": OrderPlaced(order=1), "key": "a\nb"}, "printable ASCII"),
        ({"event": OrderPlaced(order=1), "expires_in": timedelta(0)}, "a second at least"),
    ],
)
async def test_wrong_arguments_are_explained(
    client: Client, gateway: ScriptedGateway, options: dict[str, object], words: str
) -> None:
    """What cannot be sent fails before anything is."""
    with pytest.raises(ConfigurationError, match=words):
        await client.submit(**options)  # type: ignore[arg-type]
    assert gateway.requests == []


@pytest.mark.parametrize("url", ["gateway.example", "", "http://gateway:door", "https://"])
def test_an_address_has_to_be_one(url: str) -> None:
    """A URL that can never work is told of at once."""
    with pytest.raises(ConfigurationError, match="write its URL"):
        Client(url)


async def test_a_closed_client_says_so(url: str) -> None:
    """Outside of its `async with`, a client is of no use, and says how to use it."""
    with pytest.raises(ConfigurationError, match="async with"):
        await Client(url).submit(OrderPlaced(order=1))
