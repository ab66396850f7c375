"""Reading a job's tree, level by level, from the records of its work."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tidegate.errors import ConfigurationError
from tidegate.jobs import COMPENSATION, Job, JobFailure, JobState
from tidegate.places import ROOT, Place
from tidegate.records import Record, Status, record_key
from tidegate.topology import Topology
from tidegate_ops.job_archive import JobArchive
from tidegate_ops.job_tree import (
    Branch,
    Handling,
    JobTree,
    Relation,
    State,
    Unit,
    handling_of,
    has_own_key,
    units_of,
    unplaced,
)

MOST_UNITS = 10_000
"""How many units are read; a job may have any number of them."""

_UNITS_AT_ONCE = 100
_MOST_BESIDE = 1_000
"""How many failures, compensations and joins of one function are read."""


@dataclass
class JobSurvey:
    """Reads the trees of one project's jobs."""

    archive: JobArchive
    topology: Topology
    most: int = MOST_UNITS

    async def tree(self, job_id: str, now: datetime) -> JobTree:
        """The job with its work as it is ``now``, or as much of it as is read.

        Raises:
            ConfigurationError: there is no such job.
            StoreUnavailable: Firestore does not answer.
        """
        job = await self.archive.job(job_id)
        if job is None:
            raise ConfigurationError(
                f"there is no job {job_id}: look at its id, and whether --project names the project it was submitted to"
            )
        reading = _Reading(self, job, now, await self.archive.failures(job.id, _MOST_BESIDE))
        roots = [*await reading.first(), *await reading.compensations()]
        cut = await reading.grow([each for each in roots if each.unit.event_id])
        return JobTree(job, (*roots, *reading.left()), cut)


@dataclass
class _Reading:
    """One job, while it is read."""

    survey: JobSurvey
    job: Job
    now: datetime
    failures: dict[str, JobFailure]
    _names: dict[str, list[str]] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)

    async def first(self) -> list[Branch]:
        """The units of the event that was submitted. Its data is not kept, so nobody can tell its keys from it."""
        branches: list[Branch] = []
        for function in self.job.functions:
            unit = Unit(function, self.job.event_id, self.job.topic, Relation.SUBMITTED, (self.job.event_id,), ROOT)
            if has_own_key(self.survey.topology, function):
                unit = replace(unit, keys=())
                self._names[unit.id] = [
                    *await self.survey.archive.record_names(self.job.id, function, unit.event_id, _MOST_BESIDE),
                    unit.id,
                ]
            branches.append(Branch(unit))
        return branches

    async def compensations(self) -> list[Branch]:
        """The units that undo, in their order. What a compensation was is forgotten once it has settled."""
        if self.job.state in (JobState.RUNNING, JobState.SUCCEEDED):
            return []
        registered = await self.survey.archive.registered(self.job.id, _MOST_BESIDE)
        begun = await self.survey.archive.begun(self.job.id, _MOST_BESIDE)
        branches = [
            Branch(_settled_compensation(node.id), Handling(State.DONE if closed else State.UNKNOWN))
            for node, closed in begun
            if node.id not in registered
        ]
        published = {node.id for node, _ in begun}
        for name, message in registered.items():
            held = name not in published
            units = units_of(message, Relation.COMPENSATION, self.survey.topology, held=held)
            branches += [Branch(each) for each in units]
        return branches

    async def grow(self, level: Sequence[Branch]) -> bool:
        """Read on below these branches; returns whether something was left unread."""
        room = self.survey.most
        cut = False
        while level:
            cut = cut or len(level) > room
            level = level[:room]
            room -= len(level)
            for start in range(0, len(level), _UNITS_AT_ONCE):
                await self._read(level[start : start + _UNITS_AT_ONCE], room)
            below = [child for each in level for child in each.children]
            if len(below) > room:
                _prune(level, room)
                cut = True
            level = [child for each in level for child in each.children]
        return cut

    def left(self) -> list[Branch]:
        """What was given up and stands in no branch that was read."""
        return [unplaced(failure) for name, failure in self.failures.items() if name not in self._met]

    async def _read(self, branches: Sequence[Branch], room: int) -> None:
        """Find out how far these are, and what came of them; ``room`` is how many more units are wanted at all."""
        records = await self.survey.archive.records({name for each in branches for name in self._of(each.unit)})
        for branch in branches:
            unit = branch.unit
            self._met.add(unit.id)
            found = [records[name] for name in self._of(unit) if name in records]
            branch.handling = handling_of(unit, found, self.failures.get(unit.id), self.now)
            if branch.handling.state is State.UNKNOWN and await self.survey.archive.is_marked(self.job.id, unit.id):
                branch.handling = Handling(State.DONE)
            for record in found:
                if record.event_id == unit.event_id and record.status is Status.DONE:
                    branch.children = await self._below(unit, record, room)

    async def _below(self, unit: Unit, record: Record, room: int) -> list[Branch]:
        """What a finished record emitted in this job, and what follows its gatherings."""
        placed = [(Place.read(each.attributes), each) for each in record.outbox]
        own = [(place, each) for place, each in placed if place is not None and place.job == self.job.id]
        units: list[Unit] = []
        for _, message in own:
            units += units_of(message, Relation.EMITTED, self.survey.topology)
            if len(units) > room:
                break  # one more than there is room for, so that the cut is noticed
        gatherings = dict.fromkeys(place.node for place, _ in own if _is_gathering(place.node, unit.node))
        for message, closed in await self.survey.archive.thens(self.job.id, gatherings):
            units += units_of(message, Relation.THEN, self.survey.topology, held=not closed)
        return [Branch(each) for each in units]

    def _of(self, unit: Unit) -> list[str]:
        """The names under which the unit's records may be kept."""
        return self._names.get(unit.id) or [record_key(unit.function, key) for key in unit.keys]


def _prune(level: Sequence[Branch], room: int) -> None:
    """Leave ``room`` children in all."""
    for branch in level:
        branch.children = branch.children[:room]
        room -= len(branch.children)


def _is_gathering(node: str, own: str) -> bool:
    """Whether a node counts a gathering's members: it is named by a record and a number."""
    return node != own and node.count(".") > 1


def _settled_compensation(name: str) -> Unit:
    function = name.removeprefix(COMPENSATION).partition(".")[0]
    return Unit(function, "", "", Relation.COMPENSATION, node=name)
