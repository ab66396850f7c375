"""What a client's calls raise."""

from typing import TYPE_CHECKING

from tidegate.client.problem import Problem
from tidegate.errors import TidegateError

if TYPE_CHECKING:
    from tidegate.client.job_status import Failure, JobStatus

_MOST_NAMED = 3
_MOST_CHARACTERS = 200


class GatewayUnavailable(TidegateError):
    """The gateway gave no useful answer for as long as the client was patient.

    Attributes:
        retry_after: the seconds that it asked to be left alone for, where it said.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RequestRefused(TidegateError):
    """The gateway does not do this, however often it is asked.

    Attributes:
        problem: what is wrong: title, detail, errors.
    """

    def __init__(self, what: str, problem: Problem) -> None:
        super().__init__(f"{what}: {problem}")
        self.problem = problem


class SubmissionRefused(RequestRefused):
    """An event was not accepted; nothing will be done about it."""


class JobNotFound(RequestRefused):
    """The gateway knows no job of this id: it was never accepted there, or it is past its time."""


class JobFailed(TidegateError):
    """Some of the job's work was given up.

    Attributes:
        job: the job as it ended.
        failures: what was given up, and why.
    """

    def __init__(self, job: "JobStatus") -> None:
        self.job = job
        self.failures: tuple[Failure, ...] = job.failures
        named = [f"{each.function}: {_cut(each.reason)} ({each.fault})" for each in self.failures[:_MOST_NAMED]]
        if len(self.failures) > _MOST_NAMED:
            named.append(f"and {len(self.failures) - _MOST_NAMED} more")
        reasons = "; ".join(named) or "the gateway names no failure"
        super().__init__(f"job {job.id} failed: {reasons}. `tidegate dead list` shows what can be sent back")


class JobCancelled(TidegateError):
    """The job was cancelled; what it had done before stands, unless it was compensated.

    Attributes:
        job: the job as it ended.
    """

    def __init__(self, job: "JobStatus") -> None:
        super().__init__(f"job {job.id} was cancelled: submit its event again under another idempotency key if need be")
        self.job = job


def _cut(reason: str) -> str:
    return reason if len(reason) <= _MOST_CHARACTERS else f"{reason[:_MOST_CHARACTERS]} …"
