"""Asking Google's APIs over HTTP, with credentials that may only read."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.auth.transport.requests import AuthorizedSession

from tidegate.adapters.google_failures import google_failures
from tidegate.errors import TidegateError

_FAILURES: tuple[type[Exception], ...] = (OSError, ValueError, *google_failures())  # requests' own are OSErrors
_CALL_SECONDS = 20
Parameters: TypeAlias = Mapping[str, str | list[str]]
LOGGING = "https://logging.googleapis.com"
MONITORING = "https://monitoring.googleapis.com"


@dataclass(frozen=True, slots=True)
class GoogleApi:
    """One of the APIs.

    Attributes:
        name: for people.
        needs: the role without which it refuses.
        service: what has to be enabled in the project.
        unknown: what is raised where there is no answer.
    """

    session: AuthorizedSession
    project: str
    url: str
    name: str
    needs: str
    service: str
    unknown: type[TidegateError]

    async def ask(
        self, path: str, parameters: Parameters | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What it answers to a GET, or to a POST if there is a ``body``.

        Raises:
            TidegateError: ``unknown``; the message says why and, of a refusal, what to grant.
        """
        return await asyncio.to_thread(self._ask, path, parameters, body)

    def _ask(self, path: str, parameters: Parameters | None, body: Mapping[str, Any] | None) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        try:
            answer = self.session.request(  # type: ignore[no-untyped-call]
                method, f"{self.url}/{path}", params=parameters, json=body, timeout=_CALL_SECONDS
            )
            if answer.status_code == 403:
                raise self.unknown(
                    f"{self.name} refuses to tell: grant {self.needs} in project {self.project}, "
                    f"and enable {self.service}"
                )
            answer.raise_for_status()
            found = answer.json()
            if not isinstance(found, dict):
                raise ValueError("the answer is no JSON object")
        except _FAILURES as error:
            raise self.unknown(f"{self.name} gave no usable answer: {error}") from error
        return found


def monitoring(session: AuthorizedSession, project: str, url: str, unknown: type[TidegateError]) -> GoogleApi:
    """Cloud Monitoring, at ``url``."""
    return GoogleApi(
        session, project, url, "Cloud Monitoring", "roles/monitoring.viewer", "monitoring.googleapis.com", unknown
    )


def logging(session: AuthorizedSession, project: str, url: str, unknown: type[TidegateError]) -> GoogleApi:
    """Cloud Logging, at ``url``."""
    return GoogleApi(session, project, url, "Cloud Logging", "roles/logging.viewer", "logging.googleapis.com", unknown)
