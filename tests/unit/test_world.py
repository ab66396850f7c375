"""The testing kit's world: real verdicts, virtual time, failures on demand."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from tests.orders import OrderPacked, OrderPlaced
from tidegate import Context, Contract, Emission, Reject, Result, emit
from tidegate.errors import ConfigurationError
from tidegate.messages import Outgoing
from tidegate.testing import NOON, Verdict, World, sample
from tidegate.testing.virtual_loop import Stuck, run

LATER = timedelta(hours=1)


async def pack(order: OrderPlaced, ctx: Context) -> OrderPacked | Result:
    """What most tests deliver to: a step, a write, an event."""
    weight = await ctx.step("weigh", lambda: 250)
    ctx.batch.set(ctx.firestore.document(f"parcels/{order.order_id}"), {"weight": weight})
    return OrderPacked(order_id=order.order_id)


async def test_a_delivery_tells_all_that_came_of_it(world: World) -> None:
    """Verdict, events, steps and documents; what the runtime keeps for itself is not among the documents."""
    delivery = await world.deliver(pack, OrderPlaced())
    assert (delivery.verdict, delivery.attempt, delivery.reason) == (Verdict.DONE, 1, "")
    assert delivery.emitted == [OrderPacked()]
    assert (delivery.steps, delivery.result, delivery.letter) == ({"weigh": 250}, None, None)
    assert world.documents == {"parcels/o-1": {"weight": 250}}
    assert delivery.report in world.reports


async def test_deliveries_are_events_of_their_own(world: World) -> None:
    """Unless they bear one id, or are the same message again."""
    first = await world.deliver(pack, OrderPlaced(), event_id="a")
    assert (await world.redeliver(first)).verdict is Verdict.DUPLICATE
    assert (await world.deliver(pack, OrderPlaced(), event_id="a")).verdict is Verdict.DUPLICATE
    assert (await world.deliver(pack, OrderPlaced())).verdict is Verdict.DONE


async def test_what_is_due_later_is_emitted_too(world: World) -> None:
    """With its time, and the job's result beside it."""

    async def remind(order: OrderPlaced, ctx: Context) -> list[Emission[OrderPacked] | Result]:
        return [emit(OrderPacked(), delay=LATER), Result({"n": 1})]

    delivery = await world.deliver(remind, OrderPlaced())
    assert (delivery.emitted, delivery.result) == ([OrderPacked()], {"n": 1})
    assert [each.due for each in delivery.sent] == [NOON + LATER]


async def test_a_dead_letter_is_at_hand(world: World) -> None:
    """It can be delivered to whoever files it."""

    async def refuse(order: OrderPlaced, ctx: Context) -> None:
        raise Reject("no box")

    delivery = await world.deliver(refuse, OrderPlaced(), event_id="a")
    assert (delivery.verdict, delivery.reason, delivery.emitted) == (Verdict.DEAD, "no box", [])
    assert delivery.letter is not None
    await world.deliver("dead_letters", delivery.letter)
    [letter] = [fields for path, fields in world.documents.items() if path.count("/") == 1]
    assert (letter["function"], letter["event_id"], letter["reason"]) == ("refuse", "a", "no box")


async def test_what_is_no_event_can_be_delivered(world: World) -> None:
    """Bytes that do not fit the contract are dead, whatever was published can be handed on."""
    assert (await world.deliver(pack, b"{}{")).verdict is Verdict.DEAD
    plain = Outgoing("order.placed", OrderPlaced(order_id="o-2").to_json())
    assert (await world.deliver(pack, plain)).emitted == [OrderPacked(order_id="o-2")]


async def test_a_store_that_is_away_loses_nothing(world: World) -> None:
    """Whatever is delivered meanwhile is retried, and done when it is back."""
    world.ledger.away = True
    delivery = await world.deliver(pack, OrderPlaced())
    assert (delivery.verdict, delivery.record) == (Verdict.RETRY, None)
    world.ledger.away = False
    assert (await world.redeliver(delivery)).verdict is Verdict.DONE


async def test_a_broker_that_is_away_loses_nothing(world: World) -> None:
    """What was committed is published by the next delivery."""
    world.publisher.fail()
    delivery = await world.deliver(pack, OrderPlaced())
    assert (delivery.verdict, delivery.emitted) == (Verdict.RETRY, [])
    assert (await world.redeliver(delivery)).emitted == [OrderPacked()]


async def test_time_passes_at_no_cost(world: World) -> None:
    """An hour's timeout is over at once, and the world's clock shows it."""
    began = time.monotonic()

    async def hang(order: OrderPlaced, ctx: Context) -> None:
        await asyncio.Event().wait()

    delivery = await world.deliver(hang, OrderPlaced())
    assert (delivery.verdict, delivery.reason) == (Verdict.RETRY, "ran longer than 60 s")
    await world.advance(seconds=3540)
    assert world.clock() == NOON + LATER
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_a_thread_has_its_time(world: World, seconds: float) -> None:
    """A plain handler works in a thread while time is real, also where it waits for the loop."""
    threads = []

    def plain(order: OrderPlaced, ctx: Context) -> None:
        threads.append(threading.get_ident())
        ctx.wait(asyncio.sleep(seconds))

    assert (await world.deliver(plain, OrderPlaced())).verdict is Verdict.DONE
    assert threads != [threading.get_ident()]


def test_waiting_for_what_never_comes_is_no_hang() -> None:
    """A run in which nothing can happen any more ends with an error that says so."""
    with pytest.raises(Stuck, match="no task is ready"):
        run(asyncio.Event().wait())


async def test_an_unknown_function_is_named(world: World) -> None:
    """With the one that was perhaps meant."""
    with pytest.raises(ConfigurationError, match=r"no function edit_nota in topology.yaml: did you mean edit_note\?"):
        await world.deliver("edit_nota", OrderPlaced())


async def test_the_whole_application_runs(world: World) -> None:
    """What is poisonous is filed, and redriven as it was meant, without the runs of others being told again."""
    from contracts.notes import NoteEdited

    note = NoteEdited(flight_id="EV3267-EWR-20130208", base_version=0, text="Gate 7", editor="ann")
    first = await world.run(emit(note, key="a"), Outgoing("note.edited", b'{"text": 1}'))
    assert sorted(first.verdicts("edit_note")) == [Verdict.DEAD, Verdict.DONE]
    assert [letter.fault for letter in first.letters] == ["invalid"]
    mended = await world.redrive(note.model_copy(update={"base_version": 1, "text": "Gate 8"}))
    assert (mended.verdicts("edit_note"), mended.letters) == ([Verdict.DONE], ())
    assert world.documents["notes/EV3267-EWR-20130208"]["text"] == "Gate 8"


async def test_documents_can_be_taken_away(world: World) -> None:
    """A missing one is named together with those that are there."""
    world.documents["a/b"] = {"n": 1}
    world.documents["a/c"] = {"n": 2}
    del world.documents["a/b"]
    with pytest.raises(KeyError, match="there is no document a/b; there are: a/c"):
        world.documents["a/b"]


@pytest.mark.parametrize("contract", [OrderPlaced, OrderPacked])
def test_a_sample_takes_what_it_is_given(contract: type[Contract]) -> None:
    """The rest is made up."""
    made = sample(contract, order_id="o-7")
    assert made == contract(order_id="o-7")  # type: ignore[call-arg]
