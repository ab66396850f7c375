"""The applications that are planned: what Terraform is given of them."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from tests.terraform.terraform import DEPENDENCY_URLS, INVOKERS, PROJECT, REGION, Configuration, Variables
from tidegate.topology import Topology
from tidegate_ops.bundle import bundle
from tidegate_ops.manifest import MANIFEST, Bundle, Manifest
from tidegate_ops.project import Project
from tidegate_ops.topology_file import load_topology

# Relies on every default that a topology has, and has a function of each kind.
SMALL = """\
application: small
topics:
  parcel.sent: {}
  parcel.lost: {}
  parcel.found: {}
  parcel.found_by_somebody_else: {}
  job.advanced: {}
  job.settled: {}
  governor.woken: {}
functions:
  weigh_parcel:
    topic: parcel.sent
    emits: [parcel.lost]
  find_parcel:
    topic: parcel.lost
    ordered: true
    timeout_seconds: 0.5
    backoff: { min_seconds: 2 }
    dependencies: [rebooking-api]
  advance_jobs:
    topic: job.advanced
  governor:
    topic: governor.woken
  webhooks:
    topic: job.settled
  dead_letters:
    topic: dead.letters
http_functions:
  counter:
    accepts: [parcel.sent]
  tracking:
    access: api_keys
    timeout_seconds: 0.5
  window:
    access: public
    timeout_seconds: 3600
schedules:
  monday_morning:
    cron: 0 6 * * MON
    topic: parcel.sent
  every_noon:
    cron: 0  12 * * *
    timezone: America/New_York
    topic: parcel.lost
    data: { parcel: "<näher>", weights: [1, 2.5], sender: { known: false, name: null } }
dependencies:
  rebooking-api: { url: "https://rebooking.example.com" }
"""

# Has nothing that can be left out: no events that follow others, no jobs, no HTTP, no schedules.
BARE = """\
application: bare
topics:
  parcel.sent: {}
functions:
  weigh_parcel:
    topic: parcel.sent
  dead_letters:
    topic: dead.letters
dependencies:
  rebooking-api: { url: "https://rebooking.example.com" }
"""

SCHEMA = """\
{"type": "record", "name": "Parcel", "fields": [{"name": "weight", "type": "double"}]}
"""
KINESIS = {
    "stream_arn": "arn:aws:kinesis:eu-west-1:111122223333:stream/parcels",
    "consumer_arn": "arn:aws:kinesis:eu-west-1:111122223333:stream/parcels/consumer/tidegate:1",
    "aws_role_arn": "arn:aws:iam::111122223333:role/tidegate",
}
MSK = {
    "cluster_arn": "arn:aws:kafka:eu-west-1:111122223333:cluster/parcels/1",
    "topic": "parcels",
    "aws_role_arn": "arn:aws:iam::111122223333:role/tidegate",
}
EVENT_HUBS = {
    "resource_group": "depot",
    "namespace": "parcels",
    "event_hub": "found",
    "client_id": "client",
    "tenant_id": "tenant",
    "subscription_id": "subscription",
}
CONFLUENT = {
    "bootstrap_server": "pkc-1.europe-west1.gcp.confluent.cloud:9092",
    "cluster_id": "lkc-1",
    "topic": "parcels",
    "identity_pool_id": "pool-1",
}


def everything(schema: Path) -> dict[str, object]:
    """All that may be asked for beside the topology of the small application, with that file as a topic's schema."""
    return {
        "topic_options": {
            "parcel.sent": {"retention_days": 3, "archive": "bigquery", "schema": {"path": str(schema)}},
            "parcel.lost": {"archive": "storage", "ingestion": {"kinesis": KINESIS}},
            "job.settled": {"ingestion": {"confluent_cloud": CONFLUENT}},
            "parcel.found": {"ingestion": {"msk": MSK}},
            "parcel.found_by_somebody_else": {"ingestion": {"event_hubs": EVENT_HUBS}},
        },
        "archive_days": 30,
        "function_options": {
            "weigh_parcel": {"memory": "2Gi", "cpu": "2", "max_instances": 4, "secrets": ["SCALES_KEY"]},
            "find_parcel": {"vpc": {"network": "depot", "subnetwork": "shelves", "tags": ["finders"]}},
            "counter": {"min_instances": 1, "secrets": ["SCALES_KEY", "TILL_KEY"]},
        },
        "retired_functions": {"sort_parcel": {"topic": "parcel.sent", "ordered": True}},
        "alerts": {
            "emails": ["depot@example.com"],
            "channels": ["projects/flight-desk/notificationChannels/1"],
            "error_ratio": 0.2,
        },
    }


@dataclass(frozen=True)
class Application:
    """A topology, the bundles of its functions, and what is said of it for the cloud alone."""

    topology_path: Path
    manifest_path: Path
    others: dict[str, object] = field(default_factory=dict)

    @property
    def topology(self) -> Topology:
        return load_topology(self.topology_path)

    @classmethod
    def bundled(cls, project: Project, configuration: Configuration) -> "Application":
        """What a project deploys, bundled to where the configuration looks for it."""
        bundle(project, project.topology().deployed, configuration.bundles)
        return cls.of(project)

    @classmethod
    def of(cls, project: Project) -> "Application":
        """The same where it has been bundled already."""
        return cls(project.topology_path, Path("../build/bundles") / MANIFEST)

    @classmethod
    def written(cls, folder: Path, topology: str, **others: object) -> "Application":
        """One whose bundles have nothing in them."""
        (folder / "topology.yaml").write_text(topology)
        content = b"a bundle"
        (folder / "bundle.zip").write_bytes(content)
        entry = Bundle("bundle.zip", hashlib.sha256(content).hexdigest(), len(content))
        Manifest(dict.fromkeys(load_topology(folder / "topology.yaml").deployed, entry)).write(folder)
        return cls(folder / "topology.yaml", folder / MANIFEST, others)

    def variables(self, environment: str = "", **others: object) -> Variables:
        """What a plan for it is made with, in an environment or in none."""
        given = {
            "project": PROJECT,
            "region": REGION,
            "topology": str(self.topology_path),
            "bundles_manifest": str(self.manifest_path),
            "dependency_urls": DEPENDENCY_URLS,
            "gateway_invokers": INVOKERS,
        }
        return Variables({**given, **self.others, **others}, environment)
