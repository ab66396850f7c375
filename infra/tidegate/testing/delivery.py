"""How one delivery went, for a test to look at."""

import json
from dataclasses import dataclass
from typing import Any

from tidegate.contracts import Contract
from tidegate.dead_letters import DeadLetter
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler
from tidegate.inputs import Inbound
from tidegate.messages import Message, Outgoing
from tidegate.records import Record
from tidegate.reports import Report
from tidegate.traces import TraceContext
from tidegate.verdicts import Verdict

TRACE = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", flags=1)
"""A span that is sampled, for what comes from outside."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery, ended.

    Attributes:
        report: all that is said about it.
        inbound: what was delivered; `World.redeliver` delivers it again.
        sent: what it published or scheduled, in order, dead letters included.
        record: the function's record of the event as it is afterwards; None where there is none.
    """

    handler: Handler
    config: FunctionConfig
    inbound: Inbound
    report: Report
    sent: tuple[Outgoing, ...]
    record: Record | None

    @property
    def verdict(self) -> Verdict:
        return self.report.verdict

    @property
    def attempt(self) -> int:
        """Which run of the handler it was; 0 where the ledger was not reached."""
        return self.report.attempt

    @property
    def reason(self) -> str:
        """Why it did not end well; empty where it did."""
        return self.report.reason

    @property
    def emitted(self) -> list[Contract]:
        """The events it published or scheduled, in order."""
        contracts = {each.event_type: each for each in self.handler.emits}
        return [contracts[each.topic].parse(each.data) for each in self.sent if each.topic in contracts]

    @property
    def letter(self) -> DeadLetter | None:
        """The dead letter it published."""
        for each in self.sent:
            if each.topic == self.config.dead_letter_topic:
                return DeadLetter.from_message(arriving(each).message, now=self.report.ended_at)
        return None

    @property
    def steps(self) -> dict[str, Any]:
        """The results of the handler's steps so far, by their names."""
        return {name: json.loads(text) for name, text in self.record.steps.items()} if self.record else {}

    @property
    def result(self) -> Any:
        """The job's result that the handler set; None where it set none."""
        return json.loads(self.record.result) if self.record and self.record.result else None


def arriving(outgoing: Outgoing, message_id: str = "message") -> Inbound:
    """What was published, as it arrives at a subscriber."""
    return Inbound(Message(message_id, outgoing.data, outgoing.attributes))
