"""What logs tell, and how much of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tidegate.errors import ConfigurationError
from tidegate.traces import share_of
from tidegate.verdicts import Verdict

SHARES_VARIABLE = "TIDEGATE_LOG_SHARES"
DATA_VARIABLE = "TIDEGATE_LOG_DATA"

SAMPLED = (Verdict.DONE, Verdict.DUPLICATE, Verdict.FILTERED, Verdict.BUSY)
"""The verdicts of which a share may do; nobody may miss that an event was shed, failed or died."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What a function's environment says of its logs.

    Attributes:
        project: in whose name traces are looked up.
        service, revision: who writes, for Error Reporting; empty where nobody says.
        shares: the share of deliveries with a verdict whose line is written; 1 for what is not in it.
        shows_data: whether errors are told as they are, with what they quote of events and requests.
    """

    project: str = ""
    service: str = ""
    revision: str = ""
    shares: Mapping[Verdict, float] = field(default_factory=lambda: MappingProxyType({}))
    shows_data: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "LogSettings":
        """Read the environment.

        Raises:
            ConfigurationError: a share is none, or is of a verdict that is always logged.
        """
        return cls(
            project=environment.get("GOOGLE_CLOUD_PROJECT", ""),
            service=environment.get("K_SERVICE", ""),
            revision=environment.get("K_REVISION", ""),
            shares=MappingProxyType(_shares(environment.get(SHARES_VARIABLE, ""))),
            shows_data=environment.get(DATA_VARIABLE, "") == "1",
        )

    @property
    def service_context(self) -> dict[str, str]:
        """Who reports an error; errors are grouped within it."""
        return {"service": self.service or "tidegate", **({"version": self.revision} if self.revision else {})}

    def share(self, verdict: Verdict) -> float:
        """The share of deliveries with this verdict whose line is written."""
        return self.shares.get(verdict, 1.0)

    def weight(self, verdict: Verdict) -> float:
        """For how many deliveries a line with this verdict stands."""
        share = self.share(verdict)
        return 1 if share in (0, 1) else round(1 / share, 6)


def _shares(text: str) -> dict[Verdict, float]:
    shares: dict[Verdict, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        verdict, _, share = part.partition("=")
        if verdict not in SAMPLED:
            raise ConfigurationError(
                f"{SHARES_VARIABLE} has {part!r}: write VERDICT=SHARE, such as done=0.1, for {', '.join(SAMPLED)}; "
                "all others are always logged"
            )
        shares[Verdict(verdict)] = share_of(share, SHARES_VARIABLE)
    return shares
