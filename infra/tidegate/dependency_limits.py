"""The part of the topology that says how outside services may be used."""

from typing import Self

from pydantic import BaseModel, Field, model_validator


class Retries(BaseModel, frozen=True, extra="forbid"):
    """How a call that failed in passing is made again at once, within the same run of the handler."""

    attempts: int = Field(default=3, ge=1, le=10, description="Calls in all; 1 makes none again.")
    first_pause_seconds: float = Field(
        default=0.2, gt=0, le=60, description="The longest first pause; each is drawn between zero and its longest."
    )
    longest_pause_seconds: float = Field(
        default=5, gt=0, le=60, description="The longest pause doubles from call to call, up to this."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.first_pause_seconds > self.longest_pause_seconds:
            raise ValueError(
                f"first_pause_seconds {self.first_pause_seconds:g} exceeds "
                f"longest_pause_seconds {self.longest_pause_seconds:g}"
            )
        return self


class Breaker(BaseModel, frozen=True, extra="forbid"):
    """When a dependency that fails is left alone by all instances of all functions, and for how long."""

    failures: int = Field(
        default=5, ge=1, le=1000, description="Failed uses in a row, in one instance, after which it is cut off."
    )
    window_seconds: float = Field(default=60, gt=0, le=3600, description="All of them within so long.")
    cool_down_seconds: float = Field(
        default=30, ge=1, le=3600, description="How long it is cut off at first; doubles while probes fail."
    )
    longest_cool_down_seconds: float = Field(default=600, ge=1, le=86400, description="It doubles up to this.")
    probes: int = Field(
        default=1, ge=1, le=100, description="Uses at the same time after the cool-down, per function instance."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.cool_down_seconds > self.longest_cool_down_seconds:
            raise ValueError(
                f"cool_down_seconds {self.cool_down_seconds:g} exceeds "
                f"longest_cool_down_seconds {self.longest_cool_down_seconds:g}"
            )
        return self


class Dependency(BaseModel, frozen=True, extra="forbid"):
    """An outside service that functions call."""

    url: str = Field(
        pattern=r"^https?://",
        description="Base address; the environment variable NAME_URL (here REBOOKING_API_URL) overrides it.",
    )
    timeout_seconds: float = Field(
        default=10, gt=0, le=540, description="Bound on one use of the dependency, with all its calls."
    )
    concurrency: int = Field(default=8, ge=1, description="Uses at the same time, per function instance.")
    rate_per_second: float | None = Field(
        default=None,
        ge=0.001,
        le=100_000,
        description="Calls begun per second, per function instance; null for no limit.",
    )
    retries: Retries = Field(default=Retries(), description="For calls that a handler makes with `call`.")
    breaker: Breaker | None = Field(default=Breaker(), description="Null never cuts it off.")
