"""A deployed function's own slice of the topology: ``tidegate.json`` beside its ``main.py``."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from tidegate.classes import Classes
from tidegate.dependency_limits import Dependency
from tidegate.key_limits import PerKey

FunctionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=63)]
TopicName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([._-][a-z0-9]+)*$", min_length=3, max_length=255)]


class Access(StrEnum):
    """Who may call an HTTP function.

    ``iam``: callers that hold its invoker role, as Cloud Run checks it. ``api_keys``: anyone reaches it, and it
    asks for a key itself. ``public``: anyone.
    """

    IAM = "iam"
    API_KEYS = "api_keys"
    PUBLIC = "public"


class FunctionConfig(BaseModel, frozen=True, extra="forbid"):
    """One function's own slice of the topology: all that its runtime needs to know."""

    function: FunctionName
    topic: TopicName
    emits: tuple[TopicName, ...] = ()
    timeout_seconds: float
    lease_seconds: float
    attempts: int | None
    concurrency: int
    idempotency: str = "event.id"
    dependencies: dict[str, Dependency] = Field(default_factory=dict)
    per_key: PerKey | None = None
    classes: Classes = Classes()
    overload_seconds: float | None = None
    dead_letter_topic: TopicName
    ledger_days: float
    idempotency_of: dict[str, str] = Field(
        default_factory=dict, description="For the dead-letter function: other functions' own idempotency fields."
    )
    subscribers: dict[TopicName, tuple[FunctionName, ...]] = Field(
        default_factory=dict, description="Who handles the events that it emits."
    )
    governs: dict[FunctionName, tuple[str, ...]] = Field(
        default_factory=dict, description="For the governor: functions that have dependencies, with those that break."
    )

    @property
    def files_dead_letters(self) -> bool:
        """Whether this function is the one that dead letters end up in."""
        return self.topic == self.dead_letter_topic


class HttpFunctionConfig(BaseModel, frozen=True, extra="forbid"):
    """One HTTP function's own slice of the topology."""

    function: FunctionName
    accepts: tuple[TopicName, ...] = ()
    access: Access
    timeout_seconds: float
    concurrency: int
    rate_per_second: float | None = None
    burst: int | None = None
    ledger_days: float
    classes: Classes = Classes()
    retention_days: float
    subscribers: dict[TopicName, tuple[FunctionName, ...]] = Field(
        default_factory=dict, description="Who handles the events that are submitted to it."
    )
    max_unsettled_jobs: dict[TopicName, int] = Field(
        default_factory=dict, description="The bounds of those topics that it accepts and that have one."
    )


def deployed_name(function: str) -> str:
    """The name of a function's service and subscription: ``rebook_passengers`` → ``rebook-passengers``."""
    return function.replace("_", "-")
