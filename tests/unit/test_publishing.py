"""Events are checked as a whole before any of them is published."""

import json
from pathlib import Path

import pytest
from google.api_core.exceptions import NotFound, ServiceUnavailable
from pytest_mock import MockerFixture

from tidegate import Contract
from tidegate.errors import ConfigurationError, PublishFailed
from tidegate.events import Event
from tidegate.messages import Message
from tidegate_ops.project import Project
from tidegate_ops.publishing import Draft, InvalidEvents, Payload, Target, newest_contract, publish
from tidegate_ops.stack_state import StackState


class OrderPlaced(Contract, type="order.placed", version=2):
    order: int


GOOD = Payload("orders:1", b'{"order": 1}')
BAD = Payload("orders:2", b'{"order": "none"}')


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)


def draft(**options: object) -> Draft:
    return Draft("order.placed", OrderPlaced, **options)  # type: ignore[arg-type]


def test_an_event_is_read_back_from_its_message() -> None:
    """What is published is a CloudEvent of the topic's type and the contract's version."""
    sample = draft(id="o-1", key="customer-7", class_="bulk", attributes={"origin": "test"})
    [event] = sample.events([GOOD])
    message = sample.message(event)
    received = Message(id="m", data=message.data, attributes=dict(message.attributes))
    assert Event.from_message(received, topic="order.placed", now=event.time) == event
    assert (event.id, event.source, event.version) == ("o-1", "/cli", 2)
    assert (message.ordering_key, message.attributes["origin"]) == ("customer-7", "test")


def test_ids_are_drawn_where_none_is_given() -> None:
    """Every event without a given id has one of its own."""
    events = draft().events([GOOD, GOOD])
    assert len({event.id for event in events}) == 2


def test_all_faults_are_named_with_their_place() -> None:
    """One wrong line keeps all of them from being published, and each wrong one is named."""
    with pytest.raises(InvalidEvents) as caught:
        draft().events([BAD, GOOD, Payload("orders:3", b"{}")])
    assert [fault.split(":")[:2] for fault in caught.value.faults] == [["orders", "2"], ["orders", "3"]]


def test_too_large_a_message_is_a_fault() -> None:
    """What Pub/Sub would refuse is refused before anything is published."""
    with pytest.raises(InvalidEvents, match="10,000,000 at most"):
        draft().events([Payload("big", b" " * 10_000_001)])


def test_without_a_contract_any_data_passes() -> None:
    """With no contract to fit, data goes as it is and claims no version."""
    [event] = Draft("order.placed", None).events([Payload("x", b"\xff")])
    assert (event.data, event.version) == (b"\xff", None)


def test_the_events_own_attributes_cannot_be_replaced() -> None:
    """A further attribute must not contradict the event."""
    sample = draft(attributes={"ce-id": "other"})
    [event] = sample.events([GOOD])
    with pytest.raises(ConfigurationError, match="ce-id"):
        sample.message(event)


def test_the_newest_version_of_a_contract_counts(project: Project, mocker: MockerFixture) -> None:
    """Events are held against the highest version of the topic's contract."""

    class Older(Contract, type="order.placed", version=1):
        pass

    mocker.patch("tidegate_ops.publishing.load_contracts", return_value=[Older, OrderPlaced])
    assert newest_contract(project, "order.placed") is OrderPlaced
    with pytest.raises(ConfigurationError, match=r"there are: order\.placed"):
        newest_contract(project, "order.paid")


def test_production_is_never_met_by_accident(project: Project) -> None:
    """Without a local stack, publishing needs a project to be named."""
    with pytest.raises(ConfigurationError, match="--project"):
        Target.find(project, environment={})
    assert Target.find(project, "my-project", environment={}) == Target("my-project")


def test_the_environment_comes_before_the_running_stack(project: Project) -> None:
    """PUBSUB_EMULATOR_HOST decides, otherwise the stack that runs."""
    state = StackState.own("local-project", project.build_dir / "x")
    state.write(project)
    with pytest.raises(ConfigurationError, match="still starting"):
        Target.find(project, environment={})
    state.model_copy(update={"pubsub_host": "127.0.0.1:9"}).write(project)
    assert Target.find(project, environment={}) == Target("local-project", "127.0.0.1:9")
    environment = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:7", "GOOGLE_CLOUD_PROJECT": "other"}
    assert Target.find(project, environment=environment) == Target("other", "127.0.0.1:7")


def test_many_events_are_published_in_portions_and_in_order(mocker: MockerFixture) -> None:
    """Pub/Sub takes a limited number of messages and bytes a call."""
    publisher = mocker.patch.object(Target, "publisher").return_value
    sample = Draft("order.placed", None)
    sizes = [10] * 150 + [4_000_000] * 2
    payloads = [Payload("x", json.dumps(number).encode().ljust(size)) for number, size in enumerate(sizes)]
    messages = [sample.message(event) for event in sample.events(payloads)]
    counts: list[int] = []
    publish(Target("p"), "order.placed", messages, on_published=counts.append)
    assert counts == [100, 51, 1]
    sent = [message for each in publisher.publish.call_args_list for message in each.kwargs["messages"]]
    assert sent == messages


@pytest.mark.parametrize(
    ("error", "words"),
    [(NotFound("t"), "no topic order.placed"), (ServiceUnavailable("x"), "after 0 of 1 events")],
)
def test_refusals_are_explained(error: Exception, words: str, mocker: MockerFixture) -> None:
    """A failing call says what is missing, or how far publishing got."""
    mocker.patch.object(Target, "publisher").return_value.publish.side_effect = error
    messages = [draft().message(event) for event in draft().events([GOOD])]
    with pytest.raises(PublishFailed, match=words):
        publish(Target("p"), "order.placed", messages, on_published=lambda count: None)
