"""Terraform, initialised once, and the topologies that are planned with it."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.missing import missing
from tests.terraform.plan import Plan
from tests.terraform.terraform import ROOT, Configuration, TerraformFailed
from tidegate.topology import Topology
from tidegate_ops.bundle import bundle
from tidegate_ops.manifest import MANIFEST, Bundle, Manifest
from tidegate_ops.project import Project
from tidegate_ops.topology_file import load_topology

# Relies on every default there is, and has a function of each kind.
SMALL = """\
application: small
topics:
  parcel.sent: {}
  parcel.lost: {}
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
dependencies:
  rebooking-api: { url: "https://rebooking.example.com" }
"""


@dataclass(frozen=True)
class Application:
    """A topology and the bundles of its functions."""

    topology_path: Path
    manifest_path: Path

    @property
    def topology(self) -> Topology:
        return load_topology(self.topology_path)

    def plan(self, configuration: Configuration) -> Plan:
        """What the configuration would create for it."""
        return Plan.read(configuration.plan(self.topology_path, self.manifest_path))


@pytest.fixture(scope="session")
def terraform() -> None:
    """For what needs terraform."""
    if not shutil.which("terraform"):
        missing("terraform is not installed: see https://developer.hashicorp.com/terraform/install")


@pytest.fixture(scope="session")
def configuration(terraform: None, tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """The project's configuration, initialised in a folder of its own."""
    copy = Configuration.copy(tmp_path_factory.mktemp("configuration"))
    try:
        copy.run("init", "-input=false", "-backend=false")
    except TerraformFailed as failure:
        if "provider" not in str(failure):
            raise
        missing(
            "terraform cannot get its providers: allow it to reach the provider registry, or name a mirror "
            f"in the file that TF_CLI_CONFIG_FILE names ({' '.join(str(failure).split())[-300:]})"
        )
    return copy


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """The flight operations desk, as it would be deployed."""
    project, out = Project(ROOT), tmp_path_factory.mktemp("bundles")
    bundle(project, project.topology().deployed, out)
    return Application(project.topology_path, out / MANIFEST)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """An application that leaves to the defaults what it can."""
    return _application(tmp_path_factory.mktemp("small"), SMALL)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """An application that leaves out what it can."""
    return _application(tmp_path_factory.mktemp("bare"), BARE)


@pytest.fixture(scope="session")
def plan_of(
    configuration: Configuration, desk: Application, small: Application, bare: Application
) -> Callable[[str], tuple[Plan, Topology]]:
    """The plan of one of the applications, made once, and its topology."""
    applications, plans = {"desk": desk, "small": small, "bare": bare}, dict[str, Plan]()

    def plan_once(name: str) -> tuple[Plan, Topology]:
        if name not in plans:
            plans[name] = applications[name].plan(configuration)
        return plans[name], applications[name].topology

    return plan_once


def _application(folder: Path, topology: str) -> Application:
    """One whose bundles have nothing in them."""
    (folder / "topology.yaml").write_text(topology)
    content = b"a bundle"
    (folder / "bundle.zip").write_bytes(content)
    entry = Bundle("bundle.zip", hashlib.sha256(content).hexdigest(), len(content))
    Manifest(dict.fromkeys(load_topology(folder / "topology.yaml").deployed, entry)).write(folder)
    return Application(folder / "topology.yaml", folder / MANIFEST)
