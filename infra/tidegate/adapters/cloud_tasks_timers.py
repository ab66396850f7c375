"""Timers on Google Cloud Tasks: each event that is due later is one task, which publishes it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions
from google.api_core.retry.retry_unary_async import AsyncRetry

from tidegate.adapters.google_clients import tasks_client
from tidegate.adapters.google_failures import google_failures, worth_repeating
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.settings import Settings
from tidegate.timers import publish_body, task_name

if TYPE_CHECKING:
    from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksAsyncClient

_PUBLISH_SCOPE = "https://www.googleapis.com/auth/pubsub"


class CloudTasksTimers:
    """Implements `tidegate.ports.Timers`.

    The task's request is Pub/Sub's own publish call, so no function stands between the two. What follows
    from Cloud Tasks, and is harmless because an event keeps its id however often it is published:

    - A task may run more than once.
    - A task's name is forgotten some time after it has run (1 to 24 hours, the documentation says). An event
      scheduled again after that is past due, and published a second time at once.

    Events of one ordering key that are due at different times are published in the order of those times, give or
    take the delay of each task; two that are due together have no order.

    A task is given up where its queue says so: configure the queue without a limit of attempts.
    """

    def __init__(
        self,
        connect: Callable[[], "CloudTasksAsyncClient"],
        *,
        project: str,
        queue: str,
        service_account: str,
        publish_base_url: str,
        timeout_seconds: float = 30.0,
    ) -> None:
        """Nothing is loaded or connected before the first event that is due later.

        Args:
            connect: makes the client, once, inside the running event loop.
            project: where the topics are.
            queue: the full name, ``projects/P/locations/L/queues/Q``; empty where events cannot be delayed.
            service_account: the email of the account that publishes; empty for a local service, which asks for none.
            publish_base_url: where Pub/Sub's REST interface is, without a slash at the end.
            timeout_seconds: bounds one call with all its tries.
        """
        self._connect = connect
        self._project = project
        self._queue = queue
        self._service_account = service_account
        self._publish_base_url = publish_base_url
        self._timeout_seconds = timeout_seconds
        self._client: CloudTasksAsyncClient | None = None
        self._retry = AsyncRetry(predicate=worth_repeating(), initial=0.1, maximum=5.0, timeout=timeout_seconds)

    async def schedule(self, message: Outgoing) -> None:
        if not self._queue:
            raise PublishFailed(
                f"a {message.topic} is due later, but TIDEGATE_TASKS_QUEUE is not set: set it to the full name of a "
                "Cloud Tasks queue, projects/P/locations/L/queues/Q, and TIDEGATE_TASKS_ACCOUNT to the email of a "
                "service account that may publish"
            )
        if self._client is None:
            self._client = self._connect()
        request = {"parent": self._queue, "task": self._task(message)}
        try:
            await self._client.create_task(request, retry=self._retry, timeout=self._timeout_seconds)
        except exceptions.AlreadyExists:
            pass  # scheduled before, or by a call whose answer was lost
        except exceptions.NotFound as error:
            raise PublishFailed(f"{self._what(message)}: there is no such queue: {self._advice()}") from error
        except exceptions.PermissionDenied as error:
            raise PublishFailed(
                f"{self._what(message)}: not allowed: grant the function's own account roles/cloudtasks.enqueuer on "
                f"the queue, and roles/iam.serviceAccountUser on {self._service_account} ({error})"
            ) from error
        except google_failures() as error:
            raise PublishFailed(f"{self._what(message)}: {type(error).__name__}: {error}") from error

    def _task(self, message: Outgoing) -> dict[str, Any]:
        """The task, as the client's own message types take it."""
        request: dict[str, Any] = {
            "http_method": "POST",
            "url": f"{self._publish_base_url}/v1/projects/{self._project}/topics/{message.topic}:publish",
            "headers": {"content-type": "application/json"},
            "body": publish_body(message),
        }
        if self._service_account:
            request["oauth_token"] = {"service_account_email": self._service_account, "scope": _PUBLISH_SCOPE}
        return {
            "name": f"{self._queue}/tasks/{task_name(message.attributes['ce-id'])}",
            "schedule_time": message.due,  # in the past: at once
            "http_request": request,
        }

    def _what(self, message: Outgoing) -> str:
        return f"a {message.topic} that is due later, on queue {self._queue}"

    def _advice(self) -> str:
        _, project, _, location, _, queue = self._queue.split("/")
        return (
            "deploy the topology, or run "
            f"`gcloud tasks queues create {queue} --location={location} --project={project} --max-attempts=unlimited`"
        )


def cloud_tasks_timers(settings: Settings) -> CloudTasksTimers:
    """The timers that the settings name."""
    emulator = settings.pubsub_emulator_host
    return CloudTasksTimers(
        partial(tasks_client, settings),
        project=settings.project,
        queue=settings.tasks_queue,
        service_account=settings.tasks_account,
        publish_base_url=f"http://{emulator}" if emulator else "https://pubsub.googleapis.com",
    )
