"""Looks at every write of a job's documents as it is made: what no job may ever do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.job_walk import Unit, Walk
from tidegate.adapters.job_documents import message_of
from tidegate.adapters.memory_documents import Document, MemoryDocuments
from tidegate.jobs import COMPENSATION, JobState
from tidegate.messages import TARGET, Message, Outgoing
from tidegate.places import GATHERING, ROOT

_TURNS = {
    JobState.RUNNING: set(JobState) - {JobState.RUNNING},
    JobState.COMPENSATING: {JobState.FAILED, JobState.CANCELLED},
}


_STILL_WRITTEN = (["job_nodes"], ["job_compensations"])
"""Marks that save repetitions, and what advances once more in vain."""


@dataclass
class JobStory:
    """What is known of one job.

    Attributes:
        root: the event that it was submitted with.
        states: every state that it has been in, in order.
        registered: name → (moment, name, message) of the compensations on file while it ran.
        owed: the compensations that are still to be published, the last one first out; from the end of its running on.
        under_way: the compensation published last.
        stopped: it does not run any more, and what it had caused until then was looked at.
        result: what it has to be, by the records as they were when it stopped.
        disturbed: compensations were registered when it did not run any more, by what an operator redrove.
    """

    root: Outgoing
    states: list[JobState] = field(default_factory=list)
    registered: dict[str, tuple[Any, str, Outgoing]] = field(default_factory=dict)
    owed: list[Outgoing] = field(default_factory=list)
    under_way: Outgoing | None = None
    stopped: bool = False
    result: str | None = None
    disturbed: bool = False


@dataclass
class JobWatch:
    """Every job's story, and what was wrong with it.

    Attributes:
        closed: the (job, node) of each join that was closed at least once.
    """

    documents: MemoryDocuments
    walk: Walk
    stories: dict[str, JobStory] = field(default_factory=dict)
    closed: set[tuple[str, str]] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def changed(self, path: str, before: Document | None, after: Document | None) -> None:
        """A document below ``jobs/`` has changed."""
        _, job, *below = path.split("/")
        if job.startswith(GATHERING):
            if not below or below[0] not in ("job_nodes", "job_marks", "job_failures"):
                self._say(job, f"is a gathering without a job, and wrote {path}")
        elif job not in self.stories:
            self._say(job, f"untracked events wrote {path}")
        elif (ended := self.stories[job].states[-1:]) and ended[0].settled and below[:1] not in _STILL_WRITTEN:
            self._say(job, f"was {ended[0]}, and {path} was written")
        if not below:
            self._job_changed(job, after)
        elif below[0] == "job_nodes":
            self._node_changed(job, below[1], before, after)
        elif below[0] == "job_compensations" and after is not None:
            self._registered(job, below[1], after)

    def published(self, message: Message) -> None:
        """The broker has accepted a message."""
        event_id = message.attributes.get("ce-id", "")
        if dead := message.attributes.get("tidegate-dead-function"):
            self.walk.given_up.add((dead, event_id))
        elif target := message.attributes.get(TARGET):
            self.walk.redriven.add((target, event_id))
        if (found := self.walk.gathering_before(event_id)) and found not in self.closed:
            self._say(found[0], f"{event_id[:8]} was published, and {found[1]} before it was never closed")
        for job, story in self.stories.items():
            if any(_id(each) == event_id for each in story.owed):
                self._compensated(job, story, event_id)

    def _job_changed(self, job: str, after: Document | None) -> None:
        story = self.stories.get(job)
        if story is None or after is None:
            return
        state = JobState(after.fields["state"])
        if story.states[-1:] == [state]:
            return
        if story.states and state not in _TURNS.get(story.states[-1], set()):
            self._say(job, f"was {story.states[-1]} and became {state}")
        left = story.states[-1:] == [JobState.RUNNING]
        story.states.append(state)
        cancelled = after.fields["cancel_requested_at"] is not None
        if left:
            self._stopped(job, story, state, cancelled)
        elif state.settled:
            self._undone(job, story)
            self._expect(job, state, {JobState.CANCELLED if cancelled else JobState.FAILED})

    def _stopped(self, job: str, story: JobStory, state: JobState, cancelled: bool) -> None:
        """It runs no more: all that it caused has ended, and its state says how."""
        self._all_ended(job, f"became {state}", self.walk.units(story.root))
        units = [*self.walk.units(story.root)]
        dead = {unit.name for unit in units if unit.dead}
        doubtful = {unit.name for unit in units if unit.doubtful}
        listed = {(each.fields["function"], each.fields["event_id"]) for each in self._below(job, "job_failures")}
        if dead - listed or listed - dead - doubtful:
            self._say(job, f"lists the failures {sorted(listed)}, and dead are {sorted(dead)}")
        story.owed = [message for _, _, message in sorted(story.registered.values(), key=lambda each: each[:2])]
        if cancelled or listed:
            end = JobState.CANCELLED if cancelled else JobState.FAILED
            self._expect(job, state, {JobState.COMPENSATING if story.owed else end})
        else:
            self._expect(job, state, {JobState.SUCCEEDED})
        if state is not JobState.COMPENSATING:
            story.owed = []
        story.stopped = True
        story.result = next((unit.record.result for unit in units if unit.record and unit.record.result), None)

    def _undone(self, job: str, story: JobStory) -> None:
        """It has settled after compensating: everything that was owed is out, and has ended."""
        if story.owed:
            self._say(job, f"settled with {len(story.owed)} compensations unpublished")
        if story.under_way:
            self._all_ended(job, "settled", self.walk.units(story.under_way))

    def _node_changed(self, job: str, name: str, before: Document | None, after: Document | None) -> None:
        if after is None:
            return
        self.walk.met(job, name, after.fields)
        was = before is not None and before.fields.get("closed", False)
        if was or not after.fields.get("closed", False):
            return
        self.closed.add((job, name))
        if name == ROOT and job in self.stories:
            return  # its job turns in the same commit
        if "up" in after.fields:
            self._all_ended(job, f"closed {name}", self._counted(job, name))

    def _counted(self, job: str, name: str) -> Iterator[Unit]:
        """The units that a node waits for."""
        if name.startswith(COMPENSATION):
            message = self.stories[job].under_way
            assert message is not None
            return self.walk.units(message)
        return self.walk.units_of_node(job, name)

    def _registered(self, job: str, name: str, after: Document) -> None:
        story = self.stories.get(job)
        if story is None:
            return
        if story.states[-1] is not JobState.RUNNING:
            story.disturbed = True
            return
        story.registered[name] = (after.fields["registered_at"], name, message_of(after.fields))

    def _compensated(self, job: str, story: JobStory, event_id: str) -> None:
        """A compensation was published for the first time."""
        if story.states[-1] is not JobState.COMPENSATING:
            self._say(job, f"published the compensation {event_id[:8]} while it was {story.states[-1]}")
        if not story.disturbed:
            if _id(story.owed[-1]) != event_id:
                self._say(job, f"published the compensation {event_id[:8]} out of its turn")
            if story.under_way:
                self._all_ended(job, "went on with the next compensation", self.walk.units(story.under_way))
        [story.under_way] = [each for each in story.owed if _id(each) == event_id]
        story.owed.remove(story.under_way)

    def _all_ended(self, job: str, what: str, units: Iterator[Unit]) -> None:
        """Nothing of it is open, but for what was sent back when the job did not run any more."""
        story = self.stories.get(job)
        stopped = story is not None and story.stopped
        for unit in units:
            if not unit.ended and not (stopped and unit.redriven):
                self._say(job, f"{what} before {unit} had ended")

    def _expect(self, job: str, state: JobState, wanted: set[JobState]) -> None:
        if state not in wanted:
            self._say(job, f"became {state}, expected {' or '.join(sorted(wanted))}")

    def _below(self, job: str, collection: str) -> list[Document]:
        return self.documents.list(f"jobs/{job}/{collection}")

    def _say(self, job: str, what: str) -> None:
        self.violations.append(f"job {job.lstrip('0') or '0'} {what}")


def _id(message: Outgoing) -> str:
    return message.attributes["ce-id"]
