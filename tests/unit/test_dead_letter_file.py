"""Finding a dead letter and all that is known of it, as the runtime and `dead_letters` left it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate import Context, Contract, Reject
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import ConfigurationError
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.messages import Outgoing
from tidegate.records import Status
from tidegate.topology import Topology
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.filed_letters import State
from tidegate_ops.project import Project

pytestmark = pytest.mark.anyio

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)
TOPOLOGY = Topology.model_validate(
    {
        "application": "parcel-desk",
        "topics": {"order.placed": {}, "dead.letters": {}},
        "functions": {
            "pack_order": {"topic": "order.placed", "attempts": 1, "idempotency": "data.order"},
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
    }
)


class OrderPlaced(Contract, type="order.placed", version=1):
    order: str


async def pack_order(order: OrderPlaced, ctx: Context) -> None:
    if order.order == "glass":
        raise Reject("glass is not taken")
    raise ZeroDivisionError("the scales are broken")


@pytest.fixture
async def application() -> AsyncIterator[EmbeddedApplication]:
    """A desk that packs nothing, and files that."""
    running = EmbeddedApplication(
        TOPOLOGY,
        {
            "pack_order": Handler.inspect(pack_order, pure=False),
            "dead_letters": Project(Path(__file__).parents[2]).load_handler("dead_letters"),
        },
        environment={},
        on_report=lambda report: None,
        on_message=lambda topic, message: None,
    )
    yield running
    await running.broker.close()


@pytest.fixture
def file(application: EmbeddedApplication) -> DeadLetterFile:
    return DeadLetterFile(memory_firestore(application.documents), TOPOLOGY)


async def die(application: EmbeddedApplication, *payloads: bytes) -> None:
    """Publish what the desk gives up on, and wait until all of it is filed."""
    for number, data in enumerate(payloads):
        event = Event(id=f"e{number}", type="order.placed", source="/tests", data=data, time=NOON, version=1)
        await application.broker.publish([Outgoing("order.placed", data, event.attributes())])
        await application.broker.drained()


def order(name: str) -> bytes:
    return json.dumps({"order": name}).encode()


async def test_letters_are_listed_in_the_order_of_their_deaths(
    application: EmbeddedApplication, file: DeadLetterFile
) -> None:
    """All of them, or those of one function or state."""
    await die(application, order("a"), order("glass"))
    assert [letter.event_id for letter in await file.list()] == ["e0", "e1"]
    assert [letter.fault for letter in await file.list(function="pack_order", state=State.OPEN)] == [
        "error",
        "rejected",
    ]
    assert await file.list(state=State.DROPPED) == []
    assert await file.list(function="dead_letters") == []


async def test_an_unknown_function_is_refused(file: DeadLetterFile) -> None:
    """A slip of the pen must not look like good news."""
    with pytest.raises(ConfigurationError, match=r"no function pack_ordr \(there are: pack_order, dead_letters\)"):
        await file.list(function="pack_ordr")


async def test_a_letter_is_shown_with_its_payload_and_the_last_error(
    application: EmbeddedApplication, file: DeadLetterFile
) -> None:
    """The ledger's record is found by the function's own idempotency key."""
    await die(application, order("a"))
    [letter] = await file.list()
    folder = await file.open(letter.id)
    assert folder.letter == letter
    assert (folder.payload, folder.attempts) == (order("a"), 1)
    assert folder.record is not None
    assert folder.record.status is Status.FAILED
    assert "ZeroDivisionError: the scales are broken" in folder.traceback


async def test_what_never_fitted_has_its_record_too(application: EmbeddedApplication, file: DeadLetterFile) -> None:
    """It is known by the event's id, since its key cannot be read."""
    await die(application, b"no JSON")
    [letter] = await file.list()
    folder = await file.open(letter.id)
    assert folder.record is not None
    assert folder.record.event_id == "e0"
    assert folder.traceback == ""


async def test_a_record_of_another_payload_is_not_shown(application: EmbeddedApplication, file: DeadLetterFile) -> None:
    """Where a key was reused, the record tells of the first payload only."""
    await die(application, order("a"), b'{"order": "a", "again": true}')
    first, second = await file.list()
    assert (await file.open(first.id)).record is not None
    assert second.fault == "conflict"
    assert (await file.open(second.id)).record is None


async def test_the_beginning_of_an_id_is_enough(application: EmbeddedApplication, file: DeadLetterFile) -> None:
    """With or without the function's name, as long as one letter alone begins so."""
    await die(application, order("a"), order("b"))
    first, second = await file.list()
    assert (await file.open(first.id[:30])).letter == first
    assert (await file.open(second.id.partition(".")[2][:20])).letter == second
    with pytest.raises(ConfigurationError, match="begins the ids of several dead letters"):
        await file.open("pack_order.")


async def test_an_unknown_id_is_refused(file: DeadLetterFile) -> None:
    """With the command that shows the known ones."""
    with pytest.raises(ConfigurationError, match="no dead letter 1f0c: `tidegate dead list`"):
        await file.open("1f0c")
