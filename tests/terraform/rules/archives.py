"""Rules about topics beyond what passes through them: what is kept, copied, checked, and brought from elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

from tests.terraform.plan import Plan, Resource
from tests.terraform.rules.rule import differs
from tests.terraform.rules.subscriptions import AGENT
from tests.terraform.terraform import PROJECT
from tidegate.topology import Topology

# The columns that Pub/Sub fills where it writes metadata, and of which type each has to be.
COLUMNS = {
    "data": "STRING",
    "subscription_name": "STRING",
    "message_id": "STRING",
    "publish_time": "TIMESTAMP",
    "attributes": "JSON",
}
# What a source is called in the plan, by its name among the options.
SOURCES = {
    "kinesis": "aws_kinesis",
    "msk": "aws_msk",
    "confluent_cloud": "confluent_cloud",
    "event_hubs": "azure_event_hubs",
}


def archives(plan: Plan, _: Topology) -> Iterator[str]:
    """A topic's messages are copied where its options say, for as long as Pub/Sub can try, and it may write there."""
    wanted = {name: options["archive"] for name, options in _options(plan, "archive").items()}
    found = {each.owner: each for each in plan.of("pubsub_subscription") if each.module == "topic"}
    kinds = {name: "bigquery" if each.values["bigquery_config"] else "storage" for name, each in found.items()}
    yield from differs("archived topics", kinds, wanted)
    for name, each in found.items():
        kept = each.values["message_retention_duration"]
        yield from differs(f"{name}: how long its archive is tried", kept, "2678400s")
        # Pub/Sub would refuse it: https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription
        deadline = each.values["ack_deadline_seconds"]
        lasting = [int(file["max_duration"].removesuffix("s")) for file in each.values["cloud_storage_config"]]
        too_long = [seconds for seconds in lasting if seconds > deadline]
        yield from differs(f"{name}: files that stay open longer", too_long, [])
    readable = {"roles/storage.legacyBucketReader", "roles/storage.objectCreator"}
    granted = {each.values["role"] for each in plan.of("storage_bucket_iam_member", member=AGENT)}
    yield from differs(
        "what Pub/Sub may do with archives", granted, readable if "storage" in wanted.values() else set()
    )


def ingestions(plan: Plan, _: Topology) -> Iterator[str]:
    """Messages come from the stream that a topic's options name, brought by an account that may publish there alone."""
    wanted = {name: options["ingestion"] for name, options in _options(plan, "ingestion").items()}
    topics = {each.owner: each for each in plan.of("pubsub_topic")}
    for name, topic in topics.items():
        blocks = topic.values.get("ingestion_data_source_settings") or []
        yield from differs(f"{name}: is fed from elsewhere", len(blocks), 1 if name in wanted else 0)
    for name, ingestion in wanted.items():
        (kind,) = (each for each, source in ingestion.items() if source)
        found = topics[name].block("ingestion_data_source_settings").get(SOURCES[kind]) or [{}]
        values = {each: found[0].get(each) for each in ingestion[kind]}
        yield from differs(f"{name}: source", values, ingestion[kind])
    accounts = [each.values["account_id"] for each in plan.of("service_account") if each.module == "topic"]
    yield from differs("accounts that can be", all(6 <= len(each) <= 30 for each in accounts), True)
    signing = plan.of("service_account_iam_member", member=AGENT, role="roles/iam.serviceAccountTokenCreator")
    yield from differs("accounts of ingestions", {each.owner for each in signing if each.owner}, wanted.keys())
    publishing = plan.of("pubsub_topic_iam_member", role="roles/pubsub.publisher")
    may = {each.owner for each in publishing if each.module == "topic" and each.key == "ingestion"}
    yield from differs("ingestions that may publish", may, wanted.keys())


def retention(plan: Plan, _: Topology) -> Iterator[str]:
    """A topic keeps what its options say for replays, and nothing otherwise."""
    days = {name: options["retention_days"] for name, options in _options(plan, "retention_days").items()}
    for topic in plan.of("pubsub_topic"):
        wanted = f"{days[topic.owner] * 86400}s" if topic.owner in days else None
        yield from differs(f"{topic.owner}: retention", topic.values["message_retention_duration"], wanted)


def schemas(plan: Plan, _: Topology) -> Iterator[str]:
    """The broker refuses what a topic's schema does not fit, and has none for others."""
    wanted = _options(plan, "schema").keys()
    checked = {
        each.owner: each.block("schema_settings") for each in plan.of("pubsub_topic") if each.values["schema_settings"]
    }
    yield from differs("topics with a schema", checked.keys(), wanted)
    for name, settings in checked.items():
        yield from differs(f"{name}: encoding", settings["encoding"], "JSON")


def tables(plan: Plan, _: Topology) -> Iterator[str]:
    """A table has the columns that Pub/Sub writes, ends as it is told to, and is not lost by mistake."""
    for table in plan.of("bigquery_table"):
        columns = {each["name"]: each["type"] for each in json.loads(table.values["schema"])}
        yield from differs(f"{table.owner}: columns", columns, COLUMNS)
        days = int(plan.variables.get("archive_days") or 0)
        lasts = table.block("time_partitioning").get("expiration_ms")
        yield from differs(f"{table.owner}: forgets", lasts, days * 86_400_000 or None)
        yield from differs(f"{table.owner}: protected", table.values["deletion_protection"], True)
        yield from differs(f"{table.owner}: who writes", _writers(plan, table), {AGENT})


def _writers(plan: Plan, table: Resource) -> set[str]:
    grants = plan.of("bigquery_table_iam_member", role="roles/bigquery.dataEditor", project=PROJECT)
    return {each.values["member"] for each in grants if each.owner == table.owner}


def _options(plan: Plan, option: str) -> dict[str, dict[str, Any]]:
    """The topics that an option is given for."""
    return {name: each for name, each in plan.options("topic_options").items() if each.get(option) is not None}
