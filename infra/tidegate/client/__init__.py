"""The Python client of the front door: submit events, and learn what became of them.

It needs httpx, which the runtime does not; nothing else in `tidegate` imports this package.
"""

from tidegate.client.client import Client
from tidegate.client.errors import (
    GatewayUnavailable,
    JobCancelled,
    JobFailed,
    JobNotFound,
    RequestRefused,
    SubmissionRefused,
)
from tidegate.client.google_tokens import google_id_token
from tidegate.client.job import Job
from tidegate.client.job_status import JobStatus
from tidegate.client.sync_client import SyncClient

__all__ = [
    "Client",
    "GatewayUnavailable",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobNotFound",
    "JobStatus",
    "RequestRefused",
    "SubmissionRefused",
    "SyncClient",
    "google_id_token",
]
