"""Places: where in a job's tree the work on one event counts.

An event that several functions subscribe to is several units of work, one for each of them. A unit
has settled when its function is done with the event and everything that this emitted has settled,
or when it was given up. Units are counted at the node of the record that emitted their events; with
more than `ARITY` of them at documents in between, so that no document is written by many at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.messages import whole_number

ARITY = 64
"""The most members that one document counts."""

ROOT = "root"
"""The node that counts the units of the event a job was submitted with."""

GATHERING = "gather~"
"""How the id begins under which a gathering is counted that belongs to no job."""

_JOB, _NODE, _MEMBER, _AWAITS = "tidegate-job", "tidegate-node", "tidegate-member", "tidegate-awaits"


@dataclass(frozen=True, slots=True)
class Tally:
    """A document that counts how many of its members have settled.

    Attributes:
        job: the job's id.
        document: the document's id among the job's nodes.
        members: how many there are.
        level: 0 where they are units of work, more where they are tallies of the level below.
    """

    job: str
    document: str
    members: int
    level: int


@dataclass(frozen=True, slots=True)
class Member:
    """One of the ``of`` members of a node (at ``level`` 0: its units), the one with number ``index``."""

    job: str
    node: str
    index: int
    of: int
    level: int = 0

    @property
    def tally(self) -> Tally:
        """The document that counts this member.

        Neighbours, which tend to settle together, are spread over different documents.
        """
        groups = tallies(self.of)
        if groups == 1:
            return Tally(self.job, self.node, self.of, self.level)
        group = self.index % groups
        members = len(range(group, self.of, groups))
        return Tally(self.job, f"{self.node}~{self.level}.{group}", members, self.level)

    @property
    def above(self) -> "Member | None":
        """What its tally itself is a member of; None where the tally is the node's own document."""
        groups = tallies(self.of)
        return None if groups == 1 else Member(self.job, self.node, self.index % groups, groups, self.level + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """The units that one event is: the members ``first``, ``first + 1``, … of its node, for ``functions`` in turn.

    The functions are named because the topology may change while the event is under way: one that
    subscribed later handles the event as well, and the job does not wait for it.
    """

    job: str
    node: str
    first: int
    of: int
    functions: tuple[str, ...]

    def unit(self, function: str) -> Member | None:
        """The unit that ``function`` settles, or None if nobody waits for it."""
        if function not in self.functions:
            return None
        return Member(self.job, self.node, self.first + self.functions.index(function), self.of)

    def attributes(self) -> dict[str, str]:
        """The message attributes that `read` reads back."""
        return {
            _JOB: self.job,
            _NODE: self.node,
            _MEMBER: f"{self.first}/{self.of}",
            _AWAITS: ",".join(self.functions),
        }

    @classmethod
    def read(cls, attributes: Mapping[str, str]) -> "Place | None":
        """The place that a message names; None where it belongs to no job, or what it says makes no sense."""
        job, node, awaits = (attributes.get(name, "") for name in (_JOB, _NODE, _AWAITS))
        if not (job and node and awaits) or "/" in job + node:
            return None
        first, _, of = (whole_number(part) for part in attributes.get(_MEMBER, "").partition("/"))
        if first is None or of is None:
            return None
        functions = tuple(awaits.split(","))
        return cls(job, node, first, of, functions) if first + len(functions) <= of else None


def tallies(members: int) -> int:
    """How many documents count ``members`` members; with one of them, it is the node's own."""
    return -(-members // ARITY)
