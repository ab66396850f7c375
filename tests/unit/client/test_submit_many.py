"""Submitting many events: each is told of, in order, and memory does not grow with their number."""

from collections import deque
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.unit.client.hand_wound_time import HandWoundTime
from tests.unit.client.orders import OrderPacked, OrderPlaced
from tests.unit.client.scripted_gateway import ScriptedGateway, fails
from tidegate.client import Client, GatewayUnavailable, SubmissionRefused

pytestmark = pytest.mark.anyio


async def test_every_event_is_told_of_in_order(client: Client, gateway: ScriptedGateway) -> None:
    """Neighbours of one topic share a request; the outcomes come in the order of the events."""
    events = [OrderPlaced(order=1), OrderPlaced(order=2), OrderPacked(order=1), OrderPlaced(order=3)]
    outcomes = [outcome async for outcome in client.submit_many(events)]
    assert [each.position for each in outcomes] == [0, 1, 2, 3]
    topics = [gateway.jobs[each.job.id]["topic"] for each in outcomes if each.job]
    assert topics == ["order.placed", "order.placed", "order.packed", "order.placed"]
    assert [each.body for each in gateway.requests] == [b'{"order":1}\n{"order":2}', b'{"order":1}', b'{"order":3}']
    assert len({each.headers["idempotency-key"] for each in gateway.requests}) == 3


async def test_memory_is_bounded(client: Client, gateway: ScriptedGateway) -> None:
    """No more events are taken than fit the next request."""
    taken = 0

    def events() -> Iterator[dict[str, int]]:
        nonlocal taken
        for order in range(1_200):
            taken += 1
            yield {"order": order}

    told = 0
    async for outcome in client.submit_many(events(), topic="order.placed"):
        assert outcome.job
        told += 1
        assert taken <= told + 501
    assert told == 1_200
    assert [each.body.count(b"\n") + 1 for each in gateway.requests] == [500, 500, 200]


async def test_large_events_go_in_smaller_batches(client: Client, gateway: ScriptedGateway) -> None:
    """A request stays within what a gateway takes."""
    events = [{"text": "x" * 1_500_000} for _ in range(3)]
    assert len([outcome async for outcome in client.submit_many(events, topic="note.edited")]) == 3
    assert [each.body.count(b"\n") + 1 for each in gateway.requests] == [2, 1]


async def test_asynchronous_sources_are_taken(client: Client) -> None:
    """Events may come from anywhere, also as JSON text of several lines."""

    async def events() -> AsyncIterator[bytes]:
        yield b'{\n  "order": 1\n}'
        yield b'{"order": 2}'

    assert [outcome.position async for outcome in client.submit_many(events(), topic="order.placed")] == [0, 1]


async def test_a_refused_line_stops_no_other(client: Client, gateway: ScriptedGateway) -> None:
    """What is wrong with an event is said of that event."""
    gateway.line_answers = {b'{"order": "x"}': deque([422])}
    events = [{"order": 1}, {"order": "x"}, {"order": 3}]
    outcomes = [outcome async for outcome in client.submit_many(events, topic="order.placed")]
    assert [each.job is not None for each in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].refusal, SubmissionRefused)
    assert "event 2, for order.placed, was refused: Sorry; /order: should be a number" in str(outcomes[1].refusal)


async def test_lines_without_a_clear_answer_are_sent_again(
    client: Client, gateway: ScriptedGateway, time: HandWoundTime
) -> None:
    """They keep their numbers and the key of their batch, from which the gateway derives their jobs."""
    gateway.line_answers = {b'{"order":2}': deque([503, 429])}
    outcomes = [outcome async for outcome in client.submit_many([OrderPlaced(order=n) for n in (1, 2, 3)])]
    assert all(each.job for each in outcomes)
    assert [each.body for each in gateway.requests[1:]] == [b'\n{"order":2}'] * 2
    assert len({each.headers["idempotency-key"] for each in gateway.requests}) == 1
    assert len(gateway.jobs) == 3
    assert len(time.pauses) == 2


async def test_lines_that_were_put_off_come_after_the_time_they_were_told(
    client: Client, gateway: ScriptedGateway, time: HandWoundTime
) -> None:
    """The latest of their times; the patience starts anew as long as some are accepted each time."""
    gateway.retry_after = {503: 5, 429: 40}
    gateway.line_answers = {b'{"order":1}': deque([503]), b'{"order":2}': deque([429, 429, 503])}
    outcomes = [outcome async for outcome in client.submit_many([OrderPlaced(order=n) for n in (1, 2, 3)])]
    assert all(each.job for each in outcomes)
    assert time.pauses == [50, 50, 7.5]


async def test_a_broken_answer_loses_no_line(client: Client, gateway: ScriptedGateway) -> None:
    """Where the connection breaks between two lines, the same events find the same jobs again."""
    gateway.lose_answers = 1
    outcomes = [outcome async for outcome in client.submit_many([OrderPlaced(order=n) for n in range(9)])]
    assert {each.job.id for each in outcomes if each.job} == gateway.jobs.keys()
    assert len(gateway.jobs) == 9


async def test_repeating_all_of_it_does_nothing_twice(client: Client, gateway: ScriptedGateway) -> None:
    """The same events under the same key make the same jobs, batch by batch."""
    events = [OrderPlaced(order=1), OrderPacked(order=1)]
    for _ in range(2):
        assert len([outcome async for outcome in client.submit_many(events, idempotency_key="monday")]) == 2
    assert len(gateway.jobs) == 2


async def test_a_line_that_never_gets_an_answer_ends_it(client: Client, gateway: ScriptedGateway) -> None:
    """After the patience is over it is said how many events are uncertain, and how to be sure of them."""
    gateway.line_answers = {b'{"order":1}': deque([503] * 99)}
    with pytest.raises(GatewayUnavailable, match=r"has not taken 1 event.*Sorry.*under idempotency key monday\.0"):
        [outcome async for outcome in client.submit_many([OrderPlaced(order=1)], idempotency_key="monday")]


async def test_a_refused_batch_is_an_error(client: Client, gateway: ScriptedGateway) -> None:
    """Where nothing of a batch is taken, such as for an unknown topic, it is no event's own fault."""
    gateway.script += [fails(404, title="Events of this topic are not accepted")]
    with pytest.raises(SubmissionRefused, match="not accepted"):
        [outcome async for outcome in client.submit_many([OrderPlaced(order=1)])]


async def test_nothing_is_sent_for_nothing(client: Client, gateway: ScriptedGateway) -> None:
    """Without events there is no request."""
    assert [outcome async for outcome in client.submit_many([])] == []
    assert gateway.requests == []
