"""The traffic of a deployed application, as Cloud Monitoring knows it."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from google.auth.transport.requests import AuthorizedSession

from tidegate.clock import Clock, system_clock
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.google_apis import MONITORING, monitoring
from tidegate_ops.insight.traffic import FunctionTraffic, Spread, Traffic, TrafficUnknown

_WINDOW_SECONDS = 300  # samples come each minute, and minutes late
_ON_RUN = 'monitored_resource="cloud_run_revision"'
_ON_TOPIC = 'monitored_resource="pubsub_topic"'
_PUBLISHED = "pubsub_googleapis_com:topic_send_message_operation_count"


class MonitoredTraffic:
    """Implements `TrafficSource` by the metrics that terraform/modules/observability makes of log lines.

    What waits is not among them; times are those of all deliveries, also of such as ran no handler.
    """

    def __init__(
        self,
        session: AuthorizedSession,
        project: str,
        topology: Topology,
        *,
        url: str = MONITORING,
        clock: Clock = system_clock,
    ) -> None:
        """``session`` signs requests for an account with roles/monitoring.viewer."""
        self._api = monitoring(session, project, url, TrafficUnknown)
        self._project = project
        self._topology = topology
        self._clock = clock

    async def look(self) -> Traffic:
        now, window = self._clock(), f"[{_WINDOW_SECONDS}s]"
        deliveries, durations, latencies, published = await asyncio.gather(
            self._ask(
                f"sum by (function, verdict) (increase({self._metric('deliveries')}_sum{{{_ON_RUN}}}{window}))", now
            ),
            self._spreads("duration", now),
            self._spreads("latency", now),
            self._ask(f"sum by (topic_id) (rate({_PUBLISHED}{{{_ON_TOPIC}}}{window}))", now),
        )
        verdicts: dict[str, dict[Verdict, float]] = defaultdict(dict)
        for labels, value in deliveries:
            if labels.get("verdict") in set(Verdict):
                verdicts[labels.get("function", "")][Verdict(labels["verdict"])] = value
        rates = {labels.get("topic_id", ""): value for labels, value in published}
        return Traffic(
            as_of=now,
            window_seconds=_WINDOW_SECONDS,
            rate_seconds=_WINDOW_SECONDS,
            functions={
                each: FunctionTraffic(
                    per_second=sum(verdicts[each].values()) / _WINDOW_SECONDS,
                    verdicts=verdicts[each],
                    duration=durations.get(each, Spread()),
                    latency=latencies.get(each, Spread()),
                )
                for each in self._topology.functions
            },
            published={each: rates.get(each, 0.0) for each in self._topology.topics},
        )

    def _metric(self, name: str) -> str:
        """As PromQL knows the log-based metric."""
        return f"logging_googleapis_com:user_{self._topology.application.replace('-', '_')}_{name}"

    async def _spreads(self, name: str, now: datetime) -> dict[str, Spread]:
        query = f"sum by (function, le) (increase({self._metric(name)}_bucket{{{_ON_RUN}}}[{_WINDOW_SECONDS}s]))"
        buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for labels, value in await self._ask(query, now):
            buckets[labels.get("function", "")].append((float(labels.get("le", "nan")), value))
        return {function: _spread(sorted(found)) for function, found in buckets.items()}

    async def _ask(self, query: str, now: datetime) -> list[tuple[Mapping[str, str], float]]:
        """(Labels, value) of each series."""
        path = f"v1/projects/{self._project}/location/global/prometheus/api/v1/query"
        answer: dict[str, Any] = await self._api.ask(path, {"query": query, "time": f"{now.timestamp():.0f}"})
        try:
            series = [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise TrafficUnknown(f"Cloud Monitoring gave no usable answer: {error!r}") from error
        return [(labels, value) for labels, value in series if math.isfinite(value)]


def _spread(cumulative: list[tuple[float, float]]) -> Spread:
    """Of (bound in milliseconds, how many are at most as large), the last for all."""
    below = [0.0, *(count for _, count in cumulative)]
    counts = [max(0.0, upto - before) for before, upto in pairwise(below)]
    finite = [bound / 1000 for bound, _ in cumulative if math.isfinite(bound)]
    return Spread(tuple(finite), tuple(counts if len(counts) > len(finite) else [*counts, 0.0]))
