"""The Cloud Tasks timers' own promises: what a task holds, and failures that help."""

import itertools
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.tasks_v2.types import CreateTaskRequest

from tidegate.adapters.cloud_tasks_timers import CloudTasksTimers, cloud_tasks_timers
from tidegate.adapters.google_clients import tasks_client
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.settings import Settings

QUEUE = "projects/p/locations/europe-west1/queues/delayed"
DUE = datetime(2026, 2, 8, 6, 30, tzinfo=UTC)
EVENT = Outgoing("flight.reported", b'{"n":1}', {"ce-id": "a/b c"}, key="UA1", due=DUE)

pytestmark = pytest.mark.anyio


class Answering:
    """A client that notes the request, and fails if told so."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.requests: list[CreateTaskRequest] = []

    async def create_task(self, request: Mapping[str, Any], **options: object) -> None:
        self.requests.append(CreateTaskRequest(request))
        if self.error:
            raise self.error


def timers(client: Answering, *, queue: str = QUEUE) -> CloudTasksTimers:
    """The adapter as it is in the cloud."""
    return CloudTasksTimers(
        lambda: client,  # type: ignore[arg-type, return-value]
        project="p",
        queue=queue,
        service_account="timers@p.iam.gserviceaccount.com",
        publish_base_url="https://pubsub.googleapis.com",
    )


async def test_a_task_is_the_publish_call() -> None:
    """Pub/Sub's own REST call, made by the service account, under a name that follows from the event's id."""
    client = Answering()
    await timers(client).schedule(EVENT)
    (request,) = client.requests
    task = request.task
    assert request.parent == QUEUE
    assert task.name.startswith(f"{QUEUE}/tasks/")
    assert task.name.removeprefix(f"{QUEUE}/tasks/").isalnum()
    assert task.schedule_time == DUE
    assert task.http_request.url == "https://pubsub.googleapis.com/v1/projects/p/topics/flight.reported:publish"
    assert task.http_request.http_method.name == "POST"
    assert task.http_request.body == (
        b'{"messages": [{"data": "eyJuIjoxfQ==", "attributes": {"ce-id": "a/b c"}, "orderingKey": "UA1"}]}'
    )
    assert task.http_request.oauth_token.service_account_email == "timers@p.iam.gserviceaccount.com"
    assert task.http_request.oauth_token.scope == "https://www.googleapis.com/auth/pubsub"


async def test_a_known_name_is_success() -> None:
    """The task is there, or was lately."""
    await timers(Answering(exceptions.AlreadyExists("known"))).schedule(EVENT)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (exceptions.NotFound("q"), "gcloud tasks queues create delayed --location=europe-west1 --project=p"),
        (exceptions.PermissionDenied("no"), "roles/iam.serviceAccountUser on timers@p.iam.gserviceaccount.com"),
        (exceptions.ServiceUnavailable("down"), "ServiceUnavailable: 503 down"),
    ],
)
async def test_a_failure_says_what_to_do(error: Exception, said: str) -> None:
    """The topic, the queue and the remedy are named; the cause is kept."""
    with pytest.raises(PublishFailed, match=r"flight\.reported that is due later, on queue projects/p/") as told:
        await timers(Answering(error)).schedule(EVENT)
    assert said in str(told.value)
    assert told.value.__cause__ is error


async def test_no_queue() -> None:
    """The variable to set is named, and no client is made for it."""
    with pytest.raises(PublishFailed, match="TIDEGATE_TASKS_QUEUE is not set"):
        await cloud_tasks_timers(Settings(project="p")).schedule(EVENT)


async def test_unreachable_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody listens, the failure names the cause."""
    # The first refusal counts, however late it comes: a second try would be too late.
    pauses = "google.api_core.retry.retry_unary_async.exponential_sleep_generator"
    monkeypatch.setattr(pauses, lambda *_, **__: itertools.repeat(60.0))
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        client = tasks_client(Settings(project="p", tasks_host=f"127.0.0.1:{holder.getsockname()[1]}"))
        adapter = CloudTasksTimers(
            lambda: client, project="p", queue=QUEUE, service_account="", publish_base_url="http://x"
        )
        with pytest.raises(PublishFailed, match="refused"):
            await adapter.schedule(EVENT)
        await client.transport.close()
