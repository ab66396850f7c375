"""The part of the topology that limits a function's runs per key."""

from typing import Self

from pydantic import BaseModel, Field, model_validator

ORDERING_KEY = "ordering_key"
"""What a limit calls the event's ordering key; any other key is a field of its data."""


class Singleton(BaseModel, frozen=True, extra="forbid"):
    """At most one run of a key at a time; the others wait."""


class Throttle(BaseModel, frozen=True, extra="forbid"):
    """At most so many runs of a key begin per period, evenly spread; what comes too early waits."""

    runs: int = Field(ge=1, le=100_000, description="Runs that may begin per period and key, retries included.")
    seconds: float = Field(gt=0, le=86_400, description="The period.")
    burst: int = Field(
        default=1, ge=1, le=100_000, description="Runs that may begin at once after the key has been quiet."
    )

    @property
    def interval_seconds(self) -> float:
        """The distance of the runs' places in time."""
        return self.seconds / self.runs


class Debounce(BaseModel, frozen=True, extra="forbid"):
    """Of events of a key that follow one another closely, only the latest runs; the others are shed."""

    quiet_seconds: float = Field(gt=0, le=3600, description="Events no further apart than this follow one another.")
    longest_seconds: float = Field(
        gt=0, le=86_400, description="So long after the first of them the latest runs even if more follow."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.quiet_seconds > self.longest_seconds:
            raise ValueError(
                f"quiet_seconds {self.quiet_seconds:g} exceeds longest_seconds {self.longest_seconds:g}, "
                "so the time would never be quiet for long enough"
            )
        return self


class PerKey(BaseModel, frozen=True, extra="forbid"):
    """One limit, which holds for each key by itself. Events without a value for the key are not limited."""

    key: str = Field(
        pattern=rf"^({ORDERING_KEY}|data(\.[A-Za-z_][A-Za-z0-9_]*)+)$",
        description="Whose runs are limited: ordering_key, or a field such as data.flight_id.",
    )
    singleton: Singleton | None = None
    throttle: Throttle | None = None
    debounce: Debounce | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.singleton, self.throttle, self.debounce)) != 1:
            raise ValueError("needs exactly one of singleton, throttle and debounce")
        return self


class FunctionLimits(BaseModel, frozen=True, extra="forbid"):
    """Limits that hold for all instances of a function together."""

    per_key: PerKey | None = None
