"""What one message means to one function, found out before anything is written."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from tidegate.causes import Cause
from tidegate.dead_letters import DeadLetter
from tidegate.decisions import Failed
from tidegate.errors import ContractViolation, Undecodable
from tidegate.events import Event
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler, Payload
from tidegate.inputs import Inbound
from tidegate.messages import TARGET, Message
from tidegate.places import GATHERING, Member, Place
from tidegate.records import Failure, Fault, idempotency_key
from tidegate.traces import TraceContext


@dataclass(slots=True)
class Delivery:
    """One message, read for one function.

    Attributes:
        event_id: the event's id; the message's where it is no event.
        key: what makes two events the same work for this function.
        event, payload: what the handler gets; None where ``unfit`` says why there is none.
        unfit: why the handler must never see it.
        unit: the unit of a job that it is for this function; None where it is none.
        trace: its span; None where no handler runs for it.
        late: whether its job had ended before it was redriven, so that nothing of it concerns the job.
    """

    message: Message
    event_id: str
    key: str
    payload_hash: str
    redrive: int = 0
    event: Event | None = None
    payload: Payload | None = None
    unfit: Failed | None = None
    unit: Member | None = None
    trace: TraceContext | None = None
    late: bool = False

    @classmethod
    def read(cls, inbound: Inbound, handler: Handler, config: FunctionConfig, now: datetime) -> "Delivery":
        """Read what arrived, by the function's contract."""
        message = inbound.message
        payload_hash = hashlib.sha256(message.data).hexdigest()
        if config.files_dead_letters:
            letter = DeadLetter.from_message(message, now=now)
            event = letter.event()
            return cls(message, event.id, event.id, payload_hash, event=event, payload=letter)
        place = Place.read(message.attributes)
        unit = place.unit(config.function) if place else None
        known_id = message.attributes.get("ce-id") or message.id
        try:
            if inbound.fault:
                raise Undecodable(inbound.fault)
            event = Event.from_message(message, topic=config.topic, now=now)
            key, payload = _fit(event, handler, config)
        except (Undecodable, ContractViolation) as error:
            return cls(
                message,
                known_id,
                known_id,
                payload_hash,
                redrive=message.redrive,
                unfit=Failed(Failure(Fault.INVALID, str(error)), permanent=True),
                unit=unit,
            )
        expired = event.expires is not None and event.expires <= now
        return cls(
            message,
            event.id,
            key,
            payload_hash,
            redrive=event.redrive,
            event=event,
            payload=payload,
            unfit=Failed(Failure(Fault.EXPIRED, f"expired at {event.expires}"), permanent=True) if expired else None,
            unit=unit,
        )

    @property
    def event_type(self) -> str:
        """The event's type; what the message says of it where it is no event."""
        return self.event.type if self.event else self.message.attributes.get("ce-type", "")

    @property
    def awaited(self) -> Member | None:
        """The unit, where somebody waits for it."""
        return None if self.late else self.unit

    @property
    def job(self) -> str:
        """The job that waits for it; empty where none does, or only a gathering."""
        return self.awaited.job if self.awaited and not self.awaited.job.startswith(GATHERING) else ""

    @property
    def shares_work(self) -> bool:
        """Whether another event may be the same work: its key is not its own id."""
        return self.key != self.event_id

    def cause(self, now: datetime) -> Cause:
        """What its handler's events come of; ``now`` is the handler's end."""
        assert self.event is not None
        assert self.trace is not None
        return Cause(self.event, self.key, self.awaited, now, self.trace)

    def is_for(self, function: str) -> bool:
        """Whether it is addressed to ``function``: a redriven event goes to the one that failed."""
        target = self.event.target if self.event else self.message.attributes.get(TARGET, "")
        return target in ("", function)


def _fit(event: Event, handler: Handler, config: FunctionConfig) -> tuple[str, Payload]:
    contract = handler.contract
    assert not issubclass(contract, DeadLetter)
    if event.type != contract.event_type:
        raise ContractViolation(f"unknown type {event.type!r}: {config.function} reads {contract.label()}")
    if event.version not in (None, contract.event_version):
        raise ContractViolation(
            f"contract version {event.version} of {event.type}: {config.function} reads version "
            f"{contract.event_version}; deploy a function for version {event.version}, or publish the other"
        )
    payload = contract.parse(event.data)
    try:
        return idempotency_key(config.idempotency, event.id, event.data), payload
    except KeyError:
        raise ContractViolation(f"{config.idempotency} is missing, and it is this function's idempotency key") from None
