"""A job, as the gateway told of it at one moment."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tidegate.client.errors import JobCancelled, JobFailed
from tidegate.jobs import JobState, Progress


class Failure(BaseModel):
    """A unit of work that was given up: one function's handling of one event.

    Attributes:
        fault: the kind, as a word: a later gateway may know more of them than this client.
    """

    model_config = ConfigDict(frozen=True)

    function: str
    event_id: str
    event_type: str = ""
    fault: str = ""
    reason: str = ""
    attempts: int = 0
    at: AwareDatetime | None = None


class JobStatus(BaseModel):
    """How far a job was when the gateway answered. What the gateway says beyond this is ignored.

    Attributes:
        result: the value that a handler returned as `Result`; None where none did.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    state: JobState
    topic: str = ""
    event_id: str = ""
    accepted_at: datetime | None = None
    settled_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    progress: Progress = Progress(known=0, settled=0)
    result: Any = None
    failures: tuple[Failure, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether it is final."""
        return self.state.settled

    def value(self) -> Any:
        """The result of a job that has settled.

        Raises:
            JobFailed: some of its work was given up.
            JobCancelled: somebody cancelled it.
        """
        if self.state is JobState.FAILED:
            raise JobFailed(self)
        if self.state is JobState.CANCELLED:
            raise JobCancelled(self)
        assert self.state is JobState.SUCCEEDED, f"job {self.id} is {self.state}"
        return self.result
