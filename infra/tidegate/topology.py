"""The topology: what runs, on which topic, within which limits.

`infra/topology.yaml` is read by Terraform and by the local stack; a deployed function carries only
its own slice of it, `tidegate.function_config`. Every duration is a number of seconds (or days) with
the unit in its name, so that Terraform reads the same numbers.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tidegate.classes import Classes
from tidegate.dependency_limits import Dependency
from tidegate.function_config import Access, FunctionConfig, FunctionName, HttpFunctionConfig, TopicName
from tidegate.key_limits import FunctionLimits
from tidegate.pauses import WOKEN

ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63)]
MAX_ACK_DEADLINE_SECONDS = 600


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Backoff(_Strict):
    """How long Pub/Sub waits before it delivers again; it grows from ``min`` to ``max``."""

    min_seconds: float = Field(default=1, ge=0, le=600)
    max_seconds: float = Field(default=60, ge=0, le=600)

    @model_validator(mode="after")
    def _ordered(self) -> "Backoff":
        if self.min_seconds > self.max_seconds:
            raise ValueError(f"min_seconds {self.min_seconds:g} exceeds max_seconds {self.max_seconds:g}")
        return self


class Topic(_Strict):
    """One event type."""

    description: str = ""
    class_: ClassName | None = Field(
        default=None, alias="class", description="The class of its events that name none; the first by default."
    )
    max_unsettled_jobs: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Jobs of this topic that may be under way when one more is accepted; null for no bound.",
    )


class Function(_Strict):
    """One handler, its subscription and its limits."""

    topic: TopicName = Field(description="The topic it consumes.")
    emits: tuple[TopicName, ...] = Field(default=(), description="The topics its handler may return events for.")
    timeout_seconds: float = Field(default=60, gt=0, le=540, description="Bound on one run of the handler.")
    attempts: int | None = Field(
        default=5, ge=1, description="Runs before the event is dead-lettered; null retries until it expires."
    )
    backoff: Backoff = Backoff()
    concurrency: int = Field(default=16, ge=1, le=1000, description="Deliveries at the same time, per instance.")
    ordered: bool = Field(default=False, description="Keep the order of events with the same ordering key.")
    idempotency: str = Field(
        default="event.id",
        pattern=r"^(event\.id|data(\.[A-Za-z_][A-Za-z0-9_]*)+)$",
        description="What makes two events the same work: event.id, or a field such as data.order_id.",
    )
    dependencies: tuple[str, ...] = Field(default=(), description="Dependencies that its handler may use.")
    overload_seconds: float | None = Field(
        default=None,
        gt=0,
        le=2_678_400,
        description="Events of the lowest class that have waited longer are shed, of the next one after twice as long, "
        "and so on; of the first never.",
    )
    limits: FunctionLimits = Field(default=FunctionLimits(), description="Limits for all its instances together.")
    recursive: bool = Field(default=False, description="Its events may lead back to itself.")


class HttpFunction(_Strict):
    """A function that answers HTTP requests: the front door, or a page."""

    description: str = ""
    accepts: tuple[TopicName, ...] = Field(default=(), description="The topics that events may be submitted to.")
    access: Access = Access.IAM
    timeout_seconds: float = Field(default=60, gt=0, le=3600, description="Bound on one request.")
    concurrency: int = Field(default=80, ge=1, le=1000, description="Requests at the same time, per instance.")
    rate_per_second: float | None = Field(
        default=None,
        ge=0.001,
        le=100_000,
        description="Events that one client may submit per second, per instance; null for no limit.",
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Of these, so many at once after a rest; null for one second's worth.",
    )

    @model_validator(mode="after")
    def _burst_of_a_rate(self) -> Self:
        if self.burst is not None and self.rate_per_second is None:
            raise ValueError(f"burst {self.burst} says nothing without rate_per_second")
        return self


class Schedule(_Strict):
    """A cron entry that publishes one event."""

    cron: str = Field(pattern=r"^(\S+\s+){4}\S+$", description="Five fields: minute hour day month weekday.")
    timezone: str = "Etc/UTC"
    topic: TopicName
    data: dict[str, object] = Field(default_factory=dict)


class Limits(_Strict):
    """Limits that hold for the whole application."""

    lease_margin_seconds: float = Field(
        default=15, ge=1, le=60, description="A lease lasts a function's timeout and this much longer."
    )
    retention_days: float = Field(default=7, gt=0, le=31, description="How long Pub/Sub keeps what is not acked.")
    redrive_days: float = Field(default=30, ge=0, description="How long after its death an event may be redriven.")
    ledger_days: float = Field(
        default=45, gt=0, description="How long the ledger remembers; exceeds retention and redrive together."
    )
    max_deliveries: int = Field(
        default=100, ge=5, le=100, description="Pub/Sub's own dead-letter backstop, in deliveries."
    )

    @model_validator(mode="after")
    def _remembers_long_enough(self) -> "Limits":
        if self.ledger_days <= self.retention_days + self.redrive_days:
            raise ValueError(
                f"ledger_days {self.ledger_days:g} must exceed retention_days + redrive_days "
                f"= {self.retention_days + self.redrive_days:g}, or an effect could be repeated after it is forgotten"
            )
        return self


class Topology(_Strict):
    """The whole application, as `infra/topology.yaml` says it."""

    application: str = Field(pattern=r"^[a-z][a-z0-9-]{1,28}[a-z0-9]$", description="Prefix for what is deployed.")
    classes: tuple[ClassName, ...] = Field(
        default=(), description="Classes of events, from the most to the least important."
    )
    topics: dict[TopicName, Topic]
    functions: dict[FunctionName, Function]
    http_functions: dict[FunctionName, HttpFunction] = Field(default_factory=dict)
    dependencies: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], Dependency] = Field(default_factory=dict)
    schedules: dict[FunctionName, Schedule] = Field(default_factory=dict)
    dead_letter_topic: TopicName = "dead.letters"
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if twice := sorted(self.functions.keys() & self.http_functions.keys()):
            raise ValueError(f"{', '.join(twice)} stands under functions and under http_functions: rename one of them")
        return self

    @property
    def deployed(self) -> tuple[str, ...]:
        """The names of all functions, of both kinds."""
        return (*self.functions, *self.http_functions)

    def slice(self, name: str) -> "FunctionConfig | HttpFunctionConfig":
        """The slice that ``name`` is deployed with, a function of either kind.

        Raises:
            KeyError: the topology has no such function.
        """
        return self.http_config(name) if name in self.http_functions else self.config(name)

    def config(self, name: str) -> FunctionConfig:
        """The slice that function ``name`` is deployed with.

        Raises:
            KeyError: the topology has no such function.
        """
        function = self.functions[name]
        return FunctionConfig(
            function=name,
            topic=function.topic,
            emits=function.emits,
            timeout_seconds=function.timeout_seconds,
            lease_seconds=function.timeout_seconds + self.limits.lease_margin_seconds,
            attempts=function.attempts,
            concurrency=function.concurrency,
            idempotency=function.idempotency,
            dependencies={each: self.dependencies[each] for each in sorted(function.dependencies)},
            per_key=function.limits.per_key,
            classes=self._classes(function.topic, *function.emits),
            overload_seconds=function.overload_seconds,
            dead_letter_topic=self.dead_letter_topic,
            ledger_days=self.limits.ledger_days,
            idempotency_of={
                each: other.idempotency
                for each, other in sorted(self.functions.items())
                if function.topic == self.dead_letter_topic and other.idempotency != "event.id"
            },
            subscribers={topic: self.subscribers(topic) for topic in sorted(function.emits)},
            governs=self.breakable() if function.topic == WOKEN else {},
        )

    def breakable(self) -> dict[str, tuple[str, ...]]:
        """The functions that have dependencies, each with those that a breaker may cut off."""
        return {name: self.breakers_of(name) for name, each in sorted(self.functions.items()) if each.dependencies}

    def breakers_of(self, name: str) -> tuple[str, ...]:
        """The dependencies of function ``name`` that a breaker may cut off."""
        return tuple(each for each in sorted(self.functions[name].dependencies) if self.dependencies[each].breaker)

    def http_config(self, name: str) -> HttpFunctionConfig:
        """The slice that HTTP function ``name`` is deployed with.

        Raises:
            KeyError: the topology has no such HTTP function.
        """
        function = self.http_functions[name]
        return HttpFunctionConfig(
            function=name,
            accepts=function.accepts,
            access=function.access,
            timeout_seconds=function.timeout_seconds,
            concurrency=function.concurrency,
            rate_per_second=function.rate_per_second,
            burst=function.burst,
            ledger_days=self.limits.ledger_days,
            classes=self._classes(*function.accepts),
            retention_days=self.limits.retention_days,
            subscribers={topic: self.subscribers(topic) for topic in sorted(function.accepts)},
            max_unsettled_jobs={
                topic: bound
                for topic in sorted(function.accepts)
                if topic in self.topics and (bound := self.topics[topic].max_unsettled_jobs) is not None
            },
        )

    def subscribers(self, topic: str) -> tuple[str, ...]:
        """The functions that handle the events of ``topic``."""
        return tuple(sorted(name for name, function in self.functions.items() if function.topic == topic))

    def _classes(self, *topics: str) -> Classes:
        own = {each: self.topics[each].class_ for each in sorted({*topics} & self.topics.keys())}
        return Classes(ranked=self.classes, of_topics={each: name for each, name in own.items() if name})

    def ack_deadline_seconds(self, name: str) -> int:
        """How long Pub/Sub waits for function ``name`` before it delivers again; covers its lease."""
        lease = self.functions[name].timeout_seconds + self.limits.lease_margin_seconds
        return min(MAX_ACK_DEADLINE_SECONDS, max(10, int(lease + 0.999)))
