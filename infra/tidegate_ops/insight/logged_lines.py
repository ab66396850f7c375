"""The lines of deployed functions, as Cloud Logging keeps them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.auth.transport.requests import AuthorizedSession

from tidegate.events import timestamp
from tidegate.function_config import deployed_name
from tidegate.topology import Topology
from tidegate_ops.google_apis import LOGGING, logging
from tidegate_ops.insight.lines import DELIVERY, GOOGLE, Line, LinesUnknown, Query

_PAGE = 1000
_STREAMS = ("stdout", "stderr")


class LoggedLines:
    """Implements `Lines`; a line is there some seconds after it was written."""

    pace_seconds = 5.0  # the API takes sixty such requests a minute, of everybody in the project

    def __init__(self, session: AuthorizedSession, project: str, topology: Topology, *, url: str = LOGGING) -> None:
        """``session`` signs requests for an account with roles/logging.viewer."""
        self._api = logging(session, project, url, LinesUnknown)
        self._project = project
        self._functions = {deployed_name(each): each for each in topology.deployed}

    async def recent(self, query: Query) -> Sequence[Line]:
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": " AND ".join(self._conditions(query)),
            "orderBy": "timestamp desc",
            "pageSize": min(_PAGE, query.limit),
        }
        found: list[Line] = []
        while len(found) < query.limit:
            answer = await self._api.ask("v2/entries:list", body=body)
            try:
                found += [line for each in answer.get("entries", []) if query.fits(line := self._line(each))]
            except (KeyError, TypeError, ValueError) as error:
                raise LinesUnknown(f"Cloud Logging gave no usable answer: {error!r}") from error
            # A page may be empty and yet not be the last.
            body["pageToken"] = answer.get("nextPageToken", "")
            if not body["pageToken"]:
                break
        return found[: query.limit][::-1]

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
