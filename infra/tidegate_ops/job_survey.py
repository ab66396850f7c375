"""Reading a job's tree, level by level, from the records of its work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tidegate.errors import ConfigurationError
from tidegate.events import child_id
from tidegate.jobs import COMPENSATION, Job, JobFailure, JobState
from tidegate.places import ROOT, Place
from tidegate.records import Status, record_key
from tidegate.topology import Topology
from tidegate_ops.job_archive import BegunCompensation, JobArchive
from tidegate_ops.job_tree import (
    Branch,
    FiledRecord,
    Handling,
    JobTree,
    Relation,
    State,
    Unit,
    handling_of,
    has_own_key,
    time_followers,
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

    async def tree(self, job_id: str, now: datetime, *, depth: int | None = None) -> JobTree:
        """The job with its work as it is ``now``, ``depth`` levels of it, or as much as is read at all.

        Raises:
            ConfigurationError: there is no such job.
            StoreUnavailable: Firestore does not answer.
        """
        job = await self.archive.job(job_id)
        if job is None:
            raise ConfigurationError(
                f"there is no job {job_id}: look at its id, and whether --project names the project it was submitted to"
            )
        reading = _Reading(self, job, now, await self.archive.failures(job.id, _MOST_BESIDE), self.most)
        roots = await reading.first()
        await reading.grow(roots, depth)
        undoing = await reading.compensations()
        await reading.grow([each for each in undoing if each.unit.event_id], depth)
        tree = JobTree(job, (*roots, *undoing, *reading.left()), reading.cut)
        time_followers(tree)
        return tree


@dataclass
class _Reading:
    """One job, while it is read.

    Attributes:
        room: how many more units may be read.
        cut: whether there were more units than were to be read.
    """

    survey: JobSurvey
    job: Job
    now: datetime
    failures: dict[str, JobFailure]
    room: int
    cut: bool = False
    _names: dict[str, list[str]] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)

    async def first(self) -> list[Branch]:
        """The units of the event that was submitted. Its data is not kept, so nobody can tell its keys from it."""
        branches: list[Branch] = []
        for function in self.job.functions:
            unit = Unit(
                function,
                self.job.event_id,
                self.job.topic,
                Relation.SUBMITTED,
                (self.job.event_id,),
                ROOT,
                self.job.accepted_at,
            )
            if has_own_key(self.survey.topology, function):
                unit = replace(unit, keys=())
                self._names[unit.id] = [
                    *await self.survey.archive.record_names(self.job.id, function, unit.event_id, _MOST_BESIDE),
                    unit.id,
                ]
            branches.append(Branch(unit))
        return branches

    async def compensations(self) -> list[Branch]:
        """The units that undo, in their order."""
        if self.job.state in (JobState.RUNNING, JobState.SUCCEEDED):
            return []
        registered = await self.survey.archive.registered(self.job.id, _MOST_BESIDE)
        begun = await self.survey.archive.begun(self.job.id, _MOST_BESIDE)
        found = await self._takers(each for each in begun if each.node.id not in registered)
        branches: list[Branch] = []
        for each in begun:
            if each.node.id in registered:
                units = units_of(registered.pop(each.node.id), Relation.COMPENSATION, self.survey.topology)
            else:
                units = found[each.node.id]
            branches += [Branch(replace(unit, since=each.begun_at)) for unit in units] or [_forgotten(each)]
        for message in registered.values():
            units = units_of(message, Relation.COMPENSATION, self.survey.topology, held=True)
            branches += [Branch(replace(unit, since=None)) for unit in units]
        return branches

    async def _takers(self, settled: Iterable[BegunCompensation]) -> dict[str, list[Unit]]:
        """The units of compensations whose messages are not kept any more, by the names of their joins.

        The event's id follows from the work that it undid, and the ledger tells who handled it. Nothing is found
        where that work was not read, or where the taker has a key of its own.
        """
        topology = self.survey.topology
        units: dict[str, list[Unit]] = {}
        for each in settled:
            record, _, number = each.node.id.removeprefix(COMPENSATION).rpartition(".")
            registrar = record.partition(".")[0]
            known = topology.functions.get(registrar)
            key = self._keys.get(record)
            emits = known.emits if known is not None and key is not None else ()
            event_id = child_id(registrar, key or "", f"compensation {int(number)}")
            units[each.node.id] = [
                Unit(taker, event_id, topic, Relation.COMPENSATION, (event_id,), each.node.id)
                for topic in emits
                for taker in topology.subscribers(topic)
            ]
        records = await self.survey.archive.records(unit.id for those in units.values() for unit in those)
        return {node: [unit for unit in those if unit.id in records] for node, those in units.items()}

    async def grow(self, level: Sequence[Branch], depth: int | None) -> None:
        """Read these branches and on below them, ``depth`` levels with their own."""
        self.cut = self.cut or len(level) > self.room
        level = level[: self.room]
        self.room -= len(level)
        while level:
            last = depth == 1
            for start in range(0, len(level), _UNITS_AT_ONCE):
                await self._read(level[start : start + _UNITS_AT_ONCE], last=last)
            self.cut = self.cut or (not last and any(each.unread for each in level))
            level = [child for each in level for child in each.children]
            depth = None if depth is None else depth - 1

    def left(self) -> list[Branch]:
        """What was given up and stands in no branch that was read."""
        return [unplaced(failure) for name, failure in self.failures.items() if name not in self._met]

    async def _read(self, branches: Sequence[Branch], *, last: bool) -> None:
        """Find out how far these are, and what came of them; of the ``last`` level, how much came of them."""
        records = await self.survey.archive.records({name for each in branches for name in self._of(each.unit)})
        for branch in branches:
            unit = branch.unit
            self._met.add(unit.id)
            self._keys |= {record_key(unit.function, key): key for key in unit.keys}
            found = [records[name] for name in self._of(unit) if name in records]
            branch.handling = handling_of(unit, found, self.failures.get(unit.id), self.now)
            if branch.handling.state is State.UNKNOWN and await self.survey.archive.is_counted(self.job.id, unit.id):
                branch.handling = Handling(State.DONE)
            for filed in found:
                if filed.record.event_id == unit.event_id and filed.record.status is Status.DONE:
                    await self._branch_out(branch, filed, room=0 if last else self.room)

    async def _branch_out(self, branch: Branch, filed: FiledRecord, room: int) -> None:
        """Add what a finished record emitted in this job and what follows its gatherings, as far as there is room."""
        placed = [(Place.read(each.attributes), each) for each in filed.record.outbox]
        own = [(place, each) for place, each in placed if place is not None and place.job == self.job.id]
        gatherings = dict.fromkeys(place.node for place, _ in own if _is_gathering(place.node, branch.unit.node))
        followers = await self.survey.archive.followers(self.job.id, gatherings)
        units: list[Unit] = []
        for _, message in own:
            if len(units) >= room:
                break  # the rest would only fill the memory
            units += units_of(message, Relation.EMITTED, self.survey.topology)
        total = sum(len(place.functions) for place, _ in own)
        for each in followers:
            follows, held = each.gathering, not each.published
            after = units_of(each.message, Relation.THEN, self.survey.topology, follows=follows, held=held)
            units += after
            total += len(after)
        branch.children = [Branch(each) for each in units[:room]]
        branch.unread = total - len(branch.children)
        self.room -= len(branch.children)

    def _of(self, unit: Unit) -> list[str]:
        """The names under which the unit's records may be kept."""
        return self._names.get(unit.id) or [record_key(unit.function, key) for key in unit.keys]


def _is_gathering(node: str, own: str) -> bool:
    """Whether a node counts a gathering's members: it is named by a record and a number."""
    return node != own and node.count(".") > 1


def _forgotten(compensation: BegunCompensation) -> Branch:
    """A compensation of which nothing is left but whose work it undid, and whether it has settled."""
    function = compensation.node.id.removeprefix(COMPENSATION).partition(".")[0]
    unit = Unit(function, "", "", Relation.COMPENSATION, node=compensation.node.id)
    return Branch(unit, Handling(State.DONE if compensation.closed else State.UNKNOWN))
