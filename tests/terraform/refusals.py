"""Values that a variable must refuse: for each module such as break every one of its checks."""

from tests.terraform.applications import Application
from tests.terraform.composition import Part

WHOLE = "whole/terraform"
# Of no form that a name, a number's place or a member could have.
PLACE = {"project": "Flight Desk", "region": "europe-west1-b"}
WRONG_DATABASE = "Ledger"


def refusals(bare: Application) -> dict[str, Part]:
    """Configurations of which each value is refused, by any name; a check of two variables needs one that is not."""
    allowed = bare.variables().given
    function = {
        **PLACE,
        "application": "p",
        "name": "weigh-parcel",
        "database": WRONG_DATABASE,
        "bundle": {"path": str(bare.topology_path), "sha256": "0" * 64},
        "sources_bucket": "",
        "build_account": "",
        "repository": "",
        "concurrency": 2000,
        "timeout_seconds": 4000,
        "cpu": "0.5",
        "memory": "512MB",
        "min_instances": -1,
        "max_instances": 0,
        "vpc": {"network": "depot", "subnetwork": "shelves", "egress": "SOME_TRAFFIC", "tags": []},
        "dependency_urls": {"till": "till.example.com"},
        "ingress": "ALLOW_INTERNAL_AND_GCLB",
        "invokers": {"anybody": "allAuthenticatedUsers"},
        "writes": True,
        "publishes": {"parcel.sent": ""},
        "tasks": {"queue": "", "account": {"name": "", "email": ""}},
        "secrets": {"SCALES_KEY": {"id": "scales-key", "secret": "scales-key", "version": "newest"}},
    }
    return {
        "root": Part(
            WHOLE,
            {
                **allowed,
                **PLACE,
                "database": WRONG_DATABASE,
                "firestore_location": "Europe",
                "dependency_urls": {"till": "till.example.com"},
                "gateway_invokers": ["allUsers"],
                "delayed_delivery": {
                    "max_per_second": 1000,
                    "max_concurrent": 0,
                    "min_backoff_seconds": 10,
                    "max_backoff_seconds": 5,
                    "max_doublings": 0.5,
                },
                "secret_versions": {"SCALES_KEY": "newest"},
                "topic_options": {"parcel.lost": {"archive": "tape", "schema": {"path": "nowhere.avsc"}}},
                "archive_days": 0.5,
                "alerts": {"emails": ["the depot"], "channels": ["pager"]},
            },
        ),
        "options": Part(
            WHOLE,
            {
                **allowed,
                "function_options": {"weigh_parcels": {"min_instances": 11, "secrets": ["scales-key"]}},
                "retired_functions": {
                    "weigh_parcel": {"topic": "parcel.lost"},
                    "sort-parcel": {"topic": "parcel.sent"},
                },
            },
        ),
        "files": Part(
            WHOLE, {**allowed, "topology": "nowhere.yaml", "bundles_manifest": "nowhere.json", "max_instances": 0}
        ),
        "bootstrap": Part(
            f"{WHOLE}/bootstrap",
            {
                **PLACE,
                "deployers": ["me@example.com"],
                "approvers": ["me@example.com"],
                "artifact_days": 0,
                "repository": "desk",
                "environment": "dev.tfvars",
            },
        ),
        "topic": Part(
            f"{WHOLE}/modules/topic",
            {
                "project": PLACE["project"],
                "name": "goog.parcels",
                "publishers": {"everybody": "allUsers"},
                "pubsub_agent": "pubsub",
                "retention_days": 32,
                "schema": {"type": "JSON", "definition": "{}", "encoding": "JSON"},
                "archive": {"to": "tape"},
                "ingestion": {
                    "kinesis": {"stream_arn": "parcels", "consumer_arn": "tidegate", "aws_role_arn": "tidegate"},
                    "msk": {"cluster_arn": "parcels", "topic": "parcels", "aws_role_arn": "tidegate"},
                },
            },
        ),
        "function": Part(f"{WHOLE}/modules/function", function),
        "unbundled": Part(f"{WHOLE}/modules/function", {**function, "bundle": None}),
        "subscription": Part(
            f"{WHOLE}/modules/subscription",
            {
                "project": PLACE["project"],
                "function": "weigh-parcel",
                "topic": "",
                "push": {"endpoint": "http://weigh-parcel.example.com", "account": "pubsub"},
                "ordered": False,
                "backoff": {"min_seconds": 60, "max_seconds": 1},
                "ack_deadline_seconds": 601,
                "retention_days": 32,
                "backstop": {"topic": "dead.letters", "max_deliveries": 4},
                "targeted": True,
                "editors": {"anybody": ""},
                "pubsub_agent": "pubsub",
            },
        ),
        "firestore": Part(
            f"{WHOLE}/modules/firestore",
            {
                "project": PLACE["project"],
                "database": WRONG_DATABASE,
                "location": "Europe",
                "queries": {"parcels": {"indexed": {"weight": "UPWARDS"}, "composites": {"one": ["weight"]}}},
            },
        ),
        "observability": Part(
            f"{WHOLE}/modules/observability",
            {
                "project": PLACE["project"],
                "application": "p",
                "job_subscriptions": ["advance_jobs"],
                "alerts": {
                    "emails": [],
                    "channels": [],
                    "oldest_unacked_minutes": 0,
                    "jobs_stuck_minutes": 10,
                    "error_ratio": 5,
                    "contention_ratio": 0.05,
                },
            },
        ),
        "schedules": Part(
            f"{WHOLE}/modules/schedules",
            {
                **PLACE,
                "schedules": {
                    "noon": {"cron": "at noon", "timezone": "Etc/UTC", "topic": "parcel.sent", "data": "nothing"}
                },
            },
        ),
        "tasks": Part(
            f"{WHOLE}/modules/tasks",
            {
                **PLACE,
                "name": "later events",
                "account_id": "later events",
                "publishes": {"parcel.sent": ""},
                "delivery": {
                    "max_per_second": 0,
                    "max_concurrent": 100,
                    "min_backoff_seconds": 1,
                    "max_backoff_seconds": 300,
                    "max_doublings": 9,
                },
            },
        ),
    }
