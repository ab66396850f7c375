"""Rules about what is watched: metrics of log lines, alerts, the dashboard."""

import json
import re
from collections.abc import Iterator

from tests.terraform.plan import Plan, Resource
from tests.terraform.rules.rule import differs
from tests.terraform.terraform import ROOT
from tidegate.jobs import ADVANCED
from tidegate.log_settings import LogSettings
from tidegate.logs import delivery_line
from tidegate.reports import Report
from tidegate.testing import NOON
from tidegate.testing.delivery import TRACE
from tidegate.topology import Topology
from tidegate.verdicts import Verdict

ALERTS = {"breaker_open", "contention", "dead_letters", "error_ratio", "oldest_unacked"}

# What Google counts by itself, the resource it counts it of, and what can be told apart; from
# https://cloud.google.com/monitoring/api/metrics_gcp_p_z.
PLATFORM = {
    "pubsub_googleapis_com:subscription_dead_letter_message_count": ("pubsub_subscription", {"subscription_id"}),
    "pubsub_googleapis_com:subscription_num_undelivered_messages": ("pubsub_subscription", {"subscription_id"}),
    "pubsub_googleapis_com:subscription_oldest_unacked_message_age": ("pubsub_subscription", {"subscription_id"}),
    "run_googleapis_com:container_instance_count": ("cloud_run_revision", {"service_name", "state"}),
    "run_googleapis_com:request_count": ("cloud_run_revision", {"service_name", "response_code_class"}),
}

# A delivery that has something to say of everything.
LINE = delivery_line(
    Report(
        function="pack",
        verdict=Verdict.RETRY,
        event_id="event-1",
        event_type="order.placed",
        message_id="m-1",
        attempt=1,
        emitted=0,
        reason="no box fits",
        detail="",
        duration_seconds=1.0,
        latency_seconds=2.0,
        ended_at=NOON,
        trace=TRACE,
    ),
    LogSettings(),
)
# What may be added up of lines, of which each may stand for several deliveries.
ADDED_UP = {"weight", "attempt", "duration_ms", "latency_ms"}

_FIELD = re.compile(r"jsonPayload\.([a-z_]+)")
_VALUE = re.compile(r'\bverdict=~?"([^"]+)"')
_METRIC = re.compile(r"([a-z_]+_googleapis_com:[a-z0-9_]+)\{([^}]*)\}")
_GROUP = re.compile(r"by \(([a-z_, ]+)\)")


def metrics(plan: Plan, _: Topology) -> Iterator[str]:
    """What is counted of a delivery's log line is in it."""
    for metric in plan.of("logging_metric"):
        extractors = metric.values["label_extractors"]
        read = " ".join([metric.values["filter"], metric.values["value_extractor"] or "", *extractors.values()])
        yield from differs(f"{metric.key}: fields that no line has", set(_FIELD.findall(read)) - LINE.keys(), set())
        yield from differs(f"{metric.key}: verdicts that there are not", _verdicts(metric.values["filter"]), set())
        labels = {each["key"] for each in metric.block("metric_descriptor")["labels"]}
        yield from differs(f"{metric.key}: labels", labels, extractors.keys())
        added = set(_FIELD.findall(metric.values["value_extractor"] or ""))
        yield from differs(f"{metric.key}: adds up what is no measure", added - ADDED_UP, set())
        if not added:
            yield f"{metric.key}: counts lines, of which each may stand for several deliveries"
        if 'jsonPayload.action="delivery"' not in metric.values["filter"]:
            yield f"{metric.key}: counts other lines too"


def alerts(plan: Plan, topology: Topology) -> Iterator[str]:
    """There is an alert for all that somebody has to act on; each can fire, tells somebody, and says where to read."""
    found = {str(each.key): each for each in plan.of("monitoring_alert_policy")}
    followed = {"jobs_stuck"} if ADVANCED in topology.topics else set[str]()
    yield from differs("alerts", found.keys(), ALERTS | followed)
    asked = plan.options("alerts")
    emails = {each.key for each in plan.of("monitoring_notification_channel", type="email")}
    yield from differs("emails", emails, set(asked.get("emails") or []))
    for name, alert in found.items():
        for condition in alert.values["conditions"]:
            (promql,) = condition["condition_prometheus_query_language"]
            yield from _unknown(name, promql["query"], plan)
            if ">" not in promql["query"]:
                yield f"{name}: is always true"
        yield from _undocumented(name, alert)
        told = alert.values.get("notification_channels") or alert.unknown.get("notification_channels")
        if (asked.get("emails") or asked.get("channels")) and not told:
            yield f"{name}: tells nobody"


def dashboards(plan: Plan, _: Topology) -> Iterator[str]:
    """Every chart is of something that is counted, and covers no other."""
    for dashboard in plan.of("monitoring_dashboard"):
        tiles = json.loads(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
        places = {(each.get("xPos", 0), each.get("yPos", 0)) for each in tiles}
        yield from differs("charts in one place", len(places), len(tiles))
        # Cloud Monitoring leaves them out of its answer, and every plan would send them again.
        yield from differs("zeros that are sent", [each for each in tiles if 0 in each.values()], [])
        for tile in tiles:
            for data in tile["widget"]["xyChart"]["dataSets"]:
                yield from _unknown(tile["widget"]["title"], data["timeSeriesQuery"]["prometheusQuery"], plan)


def _unknown(what: str, query: str, plan: Plan) -> Iterator[str]:
    """Metrics, resources, labels and verdicts in a query, or in each of several, that there are not."""
    for part in query.split(" or "):
        yield from _unknown_in(what, part, plan)


def _unknown_in(what: str, query: str, plan: Plan) -> Iterator[str]:
    counted = dict(PLATFORM)
    for each in plan.of("logging_metric"):
        told_apart = set(each.values["label_extractors"])
        counted[f"{_promql(each)}_sum"] = ("cloud_run_revision", told_apart)
        counted[f"{_promql(each)}_bucket"] = ("cloud_run_revision", {*told_apart, "le"})
    named = _METRIC.findall(query)
    if not named:
        yield f"{what}: asks for no metric"
    for metric, matchers in named:
        resource, labels = counted.get(metric, ("", set[str]()))
        if not resource:
            yield f"{what}: {metric} is not counted"
            continue
        if f'monitored_resource="{resource}"' not in matchers:
            yield f"{what}: {metric} is not asked of a {resource}"
        used = {each.strip() for group in _GROUP.findall(query) for each in group.split(",")}
        used |= set(re.findall(r"([a-z_]+)(?==|!)", matchers)) - {"monitored_resource"}
        yield from differs(f"{what}: labels that {metric} does not have", used - labels, set())
    yield from differs(f"{what}: verdicts that there are not", _verdicts(query), set())


def _verdicts(text: str) -> set[str]:
    return {each for found in _VALUE.findall(text) for each in found.split("|")} - set(Verdict)


def _promql(metric: Resource) -> str:
    """A metric of logs by the name that PromQL has for it."""
    return "logging_googleapis_com:user_" + re.sub(r"[^a-zA-Z0-9_]", "_", metric.values["name"])


def _undocumented(name: str, alert: Resource) -> Iterator[str]:
    section = re.search(r"docs/operating\.md#([a-z-]+)$", alert.block("documentation").get("content", ""))
    if section is None:
        yield f"{name}: says nowhere what to do"
        return
    page = ROOT / "docs" / "operating.md"
    if page.exists():
        headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        if section[1] not in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}:
            yield f"{name}: docs/operating.md has no section {section[1]}"
