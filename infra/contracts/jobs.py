"""What is said of jobs."""

from typing import Literal

from tidegate.contracts import Contract


class JobAdvanced(Contract, type="job.advanced", version=1):
    """A join in a job's tree is complete, and something is to be published that only `advance_jobs` may publish."""

    job_id: str
    node: str


class JobSettled(Contract, type="job.settled", version=1):
    """A job that somebody wanted to be told about has come to its end."""

    job_id: str
    state: Literal["succeeded", "failed", "cancelled"]
    callback_url: str
