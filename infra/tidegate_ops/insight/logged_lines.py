"""The lines of deployed functions, as Cloud Logging keeps them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.auth.transport.requests import AuthorizedSession

from tidegate.events import timestamp
from tidegate.topology import Topology, deployed_name
from tidegate_ops.insight.google_apis import GoogleApi
from tidegate_ops.insight.lines import DELIVERY, GOOGLE, Line, LinesUnknown, Query

_LOGGING = "https://logging.googleapis.com"
_PAGE = 1000
_STREAMS = ("stdout", "stderr")


class LoggedLines:
    """Implements `Lines`; a line is there some seconds after it was written."""

    pace_seconds = 5.0  # the API takes sixty such requests a minute, of everybody in the project

    def __init__(self, session: AuthorizedSession, project: str, topology: Topology, *, url: str = _LOGGING) -> None:
        """``session`` signs requests for an account with roles/logging.viewer."""
        self._api = GoogleApi(
            session, project, url, "Cloud Logging", "roles/logging.viewer", "logging.googleapis.com", LinesUnknown
        )
        self._project = project
        self._functions = {deployed_name(each): each for each in topology.deployed}

    async def recent(self, query: Query) -> Sequence[Line]:
        found: list[Line] = []
        token = ""
        while len(found) < query.limit:
            body = {
                "resourceNames": [f"projects/{self._project}"],
                "filter": self._filter(query),
                "orderBy": "timestamp desc",
                "pageSize": min(_PAGE, query.limit - len(found)),
                **({"pageToken": token} if token else {}),
            }
            answer = await self._api.ask("v2/entries:list", body=body)
            found += [line for each in answer.get("entries", []) if query.fits(line := self._line(each))]
            token = answer.get("nextPageToken", "")
            if not token:
                break
        return found[: query.limit][::-1]

    def _filter(self, query: Query) -> str:
        return " AND ".join(self._conditions(query))

    def _conditions(self, query: Query) -> Iterator[str]:
        yield 'resource.type="cloud_run_revision"'
        logs = (f"projects/{self._project}/logs/run.googleapis.com%2F{each}" for each in _STREAMS)
        yield f"logName={_any(logs)}"
        names = [deployed_name(query.function)] if query.function else sorted(self._functions)
        yield f"resource.labels.service_name={_any(names)}"
        if query.event_id:
            yield f"labels.event_id={json.dumps(query.event_id)}"
        if query.trace_id:
            yield f'trace="projects/{self._project}/traces/{query.trace_id}"'
        if query.deliveries or query.verdict:
            yield f'jsonPayload.action="{DELIVERY}"'
        if query.verdict:
            yield f'jsonPayload.verdict="{query.verdict}"'
        if query.since:
            yield f'timestamp>="{timestamp(query.since)}"'

    def _line(self, entry: Mapping[str, Any]) -> Line:
        service = entry.get("resource", {}).get("labels", {}).get("service_name", "")
        at = datetime.fromisoformat(entry["timestamp"])
        component = self._functions.get(service, service)
        if "jsonPayload" not in entry:
            return Line(entry["insertId"], at, component, entry.get("textPayload", ""), {})
        # What the agent took out of the line to put it beside.
        fields = {
            **entry["jsonPayload"],
            "severity": entry.get("severity", "DEFAULT"),
            f"{GOOGLE}/trace": entry.get("trace", ""),
            f"{GOOGLE}/spanId": entry.get("spanId", ""),
            f"{GOOGLE}/labels": entry.get("labels", {}),
        }
        fields.setdefault("message", "")
        return Line(entry["insertId"], at, component, json.dumps(fields), fields)


def _any(words: Iterator[str] | Sequence[str]) -> str:
    return f"({' OR '.join(json.dumps(each) for each in words)})"
