"""A topic's page: what goes through it, and a form that publishes to it, made from its contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidegate.client import GatewayUnavailable, SubmissionRefused
from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError, PublishFailed
from tidegate.events import Event
from tidegate.messages import Outgoing
from tidegate_ops.console.desk import Desk, traffic_of
from tidegate_ops.console.filled_form import WHOLE, Faults, compact, hold_against, read
from tidegate_ops.console.form_body import FormBody, read_body
from tidegate_ops.console.form_fields import Group, group_of
from tidegate_ops.console.pages import Pages
from tidegate_ops.publishing import newest_contract
from tidegate_ops.schemas import schema_of
from tidegate_ops.topology_faults import suggest

_SOURCE = "/console"
PREFIX = "data."
"""How the names of the fields begin that make up the data."""


@dataclass(slots=True)
class Filled:
    """A form as somebody left it.

    Attributes:
        texts: what the fields hold, by their names.
        json: what the one area holds where the data is written as JSON.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    json: str = ""
    key: str = ""
    class_: str = ""
    faults: Faults = field(default_factory=Faults)


class TopicPage:
    """Shows a topic and publishes to it."""

    def __init__(self, desk: Desk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    async def read(self, request: Request) -> Mapping[str, Any]:
        """The topic, with an empty form."""
        return await self._context(request, Filled())

    async def publish(self, request: Request) -> Response:
        """Publish what was filled in, as a job where the front door accepts the topic; else say what is wrong."""
        topic = self._topic(request)
        if topic == self._desk.topology.dead_letter_topic:
            raise ConfigurationError(f"{topic} is the functions' own: nothing else is published there")
        body = await read_body(request)
        contract = self._contract(topic)
        filled, data = _understood(body, contract)
        if data and not filled.faults:
            try:
                return RedirectResponse(await self._sent(topic, contract, data, filled), HTTPStatus.SEE_OTHER)
            except (SubmissionRefused, GatewayUnavailable, PublishFailed) as error:
                filled.faults.add(WHOLE, str(error))
        context = {"path": request.url.path, "query": request.query_params, **await self._context(request, filled)}
        context["as_json"] = "json" in body
        return self._pages.page("topic.html", context, HTTPStatus.UNPROCESSABLE_ENTITY)

    async def _context(self, request: Request, filled: Filled) -> dict[str, Any]:
        topic = self._topic(request)
        topology = self._desk.topology
        traffic, unknown = await traffic_of(self._desk)
        contract = self._contract(topic)
        group = _form(contract)
        return {
            "topic": topic,
            "facts": topology.topics[topic],
            "consumers": topology.subscribers(topic),
            "producers": [name for name, each in topology.functions.items() if topic in each.emits],
            "schedules": {name: each for name, each in topology.schedules.items() if each.topic == topic},
            "rate": traffic.published.get(topic) if traffic else None,
            "traffic": traffic,
            "unknown": unknown,
            "contract": contract,
            "group": group,
            "as_json": group is None or request.query_params.get("as") == "json",
            "filled": filled,
            "front_door": self._accepting(topic),
            "gateway": self._desk.client(self._accepting(topic)) is not None,
            "ordered": any(topology.functions[each].ordered for each in topology.subscribers(topic)),
            "may_publish": topic != topology.dead_letter_topic,
            "prefix": PREFIX,
            "classes": topology.classes,
        }

    async def _sent(self, topic: str, contract: type[Contract] | None, data: bytes, filled: Filled) -> str:
        """Publish, and return where the result is to be seen."""
        if client := self._desk.client(self._accepting(topic)):
            async with client:
                job = await client.submit(topic=topic, data=data, key=filled.key, class_=filled.class_)
            return f"/jobs/{quote(job.id)}?done=submitted"
        event = Event(
            id=str(uuid4()),
            type=topic,
            source=_SOURCE,
            data=data,
            time=self._desk.clock(),
            version=contract.event_version if contract else None,
            key=filled.key,
            class_=filled.class_,
        )
        await self._desk.publisher.publish([Outgoing(topic, data, event.attributes(), filled.key)])
        return f"/events/{quote(event.id)}?done=published"

    def _topic(self, request: Request) -> str:
        topic: str = request.path_params["topic"]
        if topic not in self._desk.topology.topics:
            raise ConfigurationError(f"There is no topic {topic}: {suggest(topic, self._desk.topology.topics)}")
        return topic

    def _contract(self, topic: str) -> type[Contract] | None:
        try:
            return newest_contract(self._desk.project, topic)
        except ConfigurationError:
            return None  # none is of this type, and so anything may be published

    def _accepting(self, topic: str) -> str:
        """The HTTP function that takes the topic's events as jobs; empty for none."""
        found = (name for name, each in self._desk.topology.http_functions.items() if topic in each.accepts)
        return next(found, "")


def _form(contract: type[Contract] | None) -> Group | None:
    return group_of(schema_of(contract)) if contract else None


def _understood(body: FormBody, contract: type[Contract] | None) -> tuple[Filled, bytes]:
    """The form as it was filled in with what is wrong with it, and the data that it spells."""
    texts = {name.removeprefix(PREFIX): body[name] for name in body if name.startswith(PREFIX)}
    filled = Filled(texts, body.text("json"), body.text("key"), body.text("class"))
    group = _form(contract)
    if "json" in body or group is None:
        data = filled.json.encode()
        names: list[str] = []
        if not data:
            filled.faults.add(WHOLE, "The data is empty: write a JSON value.")
    else:
        data = compact(read(group, texts, filled.faults))
        names = [each.name for each in group.fields()]
    if contract and data:
        hold_against(contract, data, names, filled.faults)
    return filled, data
