"""Jobs, their joins and what belongs to them as Firestore documents.

    jobs/{job}                             the job
    jobs/{job}/job_nodes/{tally}           a join, or a tally below one
    jobs/{job}/job_failures/{key}          a unit of work that was given up
    jobs/{job}/job_compensations/{name}    what undoes a part, in the order of ``registered_at``
    jobs/{job}/job_marks/{key}             says how a unit stands whose record is not its own alone
    jobs/{job}/job_callbacks/{time}        an attempt to tell the receiver, written by `webhooks`

The collections' names are their own, since a TTL policy holds for all of one name.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP

from tidegate.jobs import Job, JobFailure, JobState, Mark, NewJob, Node
from tidegate.messages import Outgoing
from tidegate.places import Member, Tally
from tidegate.records import Fault
from tidegate.traces import trace_extensions
from tidegate.versions import Version

JOBS = "jobs"
NODES = "job_nodes"
FAILURES = "job_failures"
COMPENSATIONS = "job_compensations"
MARKS = "job_marks"

ACCEPTED_DAY = "accepted_day"
"""Is indexed in place of ``accepted_at``, whose neighbouring values would bound a topic to some 500 jobs a second."""

SETTLED = "settled"
_FILLED = "filled"  # the count of a tally of tallies: no progress of its own, and left out of the sum over all


def count_field(tally: Tally) -> str:
    """The field that counts a tally's members."""
    return _FILLED if tally.level else SETTLED


def day(moment: datetime) -> str:
    """A moment's day in UTC, as it is kept: in the order of time."""
    return moment.astimezone(UTC).date().isoformat()


def job_fields(new: NewJob) -> dict[str, Any]:
    """A job's own document as it is accepted."""
    return {
        "topic": new.event.topic,
        "event_id": new.event.attributes["ce-id"],
        "state": JobState.RUNNING.value,
        "accepted_at": new.accepted_at,
        ACCEPTED_DAY: day(new.accepted_at),
        "settled_at": None,
        "functions": list(new.functions),
        "payload_hash": new.payload_hash,
        "result": None,
        "callback_url": new.callback_url,
        "principal": new.principal,
        "cancel_requested_at": None,
        "expire_at": new.expire_at,
        "trace": trace_extensions(new.event.attributes),
    }


def job_of(job: str, fields: Mapping[str, Any], failures: Iterable[JobFailure] = (), version: object = None) -> Job:
    """The job that a document describes."""
    return Job(
        id=job,
        topic=fields["topic"],
        event_id=fields["event_id"],
        state=JobState(fields["state"]),
        accepted_at=_plain(fields["accepted_at"]),
        settled_at=_plain(fields["settled_at"]) if fields["settled_at"] else None,
        payload_hash=fields["payload_hash"],
        functions=tuple(fields["functions"]),
        result=fields["result"],
        callback_url=fields["callback_url"],
        principal=fields["principal"],
        cancel_requested_at=_plain(fields["cancel_requested_at"]) if fields["cancel_requested_at"] else None,
        failures=tuple(failures),
        trace=fields.get("trace", {}),
        version=version,
    )


def state_fields(state: JobState) -> dict[str, Any]:
    """What of a job's document changes with its state."""
    return {"state": state.value, **({"settled_at": SERVER_TIMESTAMP} if state.settled else {})}


def node_fields(node: Node, expire_at: datetime) -> dict[str, Any]:
    """A node's own document as it is created; nothing has settled yet."""
    return {
        "units": node.units,
        SETTLED: 0,
        "closed": False,
        "function": node.function,
        "event_id": node.event_id,
        "up": _member_fields(node.up) if node.up else None,
        "then": message_fields(node.then) if node.then else None,
        "expire_at": expire_at,
    }


def node_of(job: str, name: str, fields: Mapping[str, Any]) -> Node:
    """The node that `node_fields` wrote."""
    up, then = fields["up"], fields["then"]
    return Node(
        job=job,
        id=name,
        units=fields["units"],
        up=Member(job, up["node"], up["index"], up["of"]) if up else None,
        then=message_of(then) if then else None,
        function=fields["function"],
        event_id=fields["event_id"],
    )


def tally_fields(tally: Tally, expire_at: datetime) -> dict[str, Any]:
    """What a tally between a node and its units has besides its count; a sum over all takes those with both fields."""
    return {"expire_at": expire_at} if tally.level else {"units": 0, "expire_at": expire_at}


def mark_fields(mark: Mark, expire_at: datetime) -> dict[str, Any]:
    """A unit's mark."""
    return {"counted": mark.counted, "redrive": mark.redrive, "expire_at": expire_at}


def mark_of(fields: Mapping[str, Any], version: Version) -> Mark:
    """The mark that `mark_fields` describes, read at this version."""
    return Mark(fields["counted"], fields["redrive"], version)


def failure_fields(failure: JobFailure, expire_at: datetime) -> dict[str, Any]:
    """A unit that was given up."""
    return {
        "function": failure.function,
        "event_id": failure.event_id,
        "event_type": failure.event_type,
        "fault": failure.fault.value,
        "reason": failure.reason,
        "attempts": failure.attempts,
        "at": failure.at,
        "expire_at": expire_at,
    }


def failure_of(fields: Mapping[str, Any]) -> JobFailure:
    """The failure that `failure_fields` wrote."""
    return JobFailure(
        function=fields["function"],
        event_id=fields["event_id"],
        event_type=fields["event_type"],
        fault=Fault(fields["fault"]),
        reason=fields["reason"],
        attempts=fields["attempts"],
        at=_plain(fields["at"]),
    )


def message_fields(message: Outgoing) -> dict[str, Any]:
    """A message that is to be published later."""
    return {
        "topic": message.topic,
        "data": message.data,
        "attributes": dict(message.attributes),
        "key": message.key,
        "due": message.due,
    }


def message_of(fields: Mapping[str, Any]) -> Outgoing:
    """The message that `message_fields` wrote."""
    due = _plain(fields["due"]) if fields["due"] else None
    return Outgoing(fields["topic"], fields["data"], fields["attributes"], fields["key"], due)


def _member_fields(member: Member) -> dict[str, Any]:
    return {"node": member.node, "index": member.index, "of": member.of}


def _plain(moment: datetime) -> datetime:
    """Firestore's client reads times as a subclass of its own."""
    return datetime.combine(moment.date(), moment.timetz()).astimezone(UTC)
