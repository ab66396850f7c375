"""What is deployed already: a plan changes what was edited, and nothing else; what holds data stays."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.terraform.applications import Application
from tests.terraform.terraform import PLAN, ROOT, Configuration, TerraformFailed
from tidegate_ops.project import Project

PROD = "prod"
RETIRED = {"track_hour": {"topic": "flight.assessed"}}
HANDLER = """\
from contracts.flights import FlightCancelled
from tidegate import Context, function


@function
def count_bag(flight: FlightCancelled, ctx: Context) -> None:
    \"\"\"Counts nothing.\"\"\"
"""
NEW = """\
  count_bag:
    topic: bag.found

http_functions:
"""
# Events that are due later, archives, the ledger and the application's documents, messages that wait, and what
# Terraform knows.
HOLDS_DATA = (
    'google_bigquery_dataset" "',
    'google_bigquery_table" "',
    'google_cloud_tasks_queue" "',
    'google_firestore_database" "',
    'google_pubsub_subscription" "',
    'google_storage_bucket" "archive"',
    'google_storage_bucket" "state"',
)


@dataclass(frozen=True)
class Folder:
    """A project of one's own, to edit."""

    project: Project

    @classmethod
    def copy(cls, root: Path) -> "Folder":
        """The project as it is."""
        for part in ("functions", "infra"):
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        return cls(Project(root))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace what a file has, the first time it has it."""
        file = self.project.root / path
        assert old in file.read_text(), f"{path} has no {old!r}"
        file.write_text(file.read_text().replace(old, new, 1))

    def entry(self, function: str) -> str:
        """What the topology says of a function."""
        found = re.search(rf"(?m)^  {function}:\n(    .*\n)+", self.project.topology_path.read_text())
        assert found is not None
        return found[0]

    def add(self, path: str, files: dict[str, str]) -> None:
        """Write a new folder."""
        (self.project.root / path).mkdir()
        for name, text in files.items():
            (self.project.root / path / name).write_text(text)


@pytest.fixture(scope="module")
def applied(
    configuration: Configuration,
    planned: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Configuration:
    """The configuration in a folder whose state says that production has been deployed."""
    copy = configuration.copied(tmp_path_factory.mktemp("applied"))
    copy.run("apply", "-input=false", "-lock=false", str(planned(PROD) / PLAN))
    return copy


@pytest.fixture(scope="module")
def edited(applied: Configuration, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What four edits change, by whom it is for and by the address in there: of a line of one function's source, of a
    line of another's limits, of a function that is added with its topic, and of one that is retired.
    """
    folder = Folder.copy(tmp_path_factory.mktemp("edited"))
    folder.edit("functions/post_flight/main.py", "\n", "\n# Edited.\n")
    folder.edit("infra/topology.yaml", "timeout_seconds: 10\n", "timeout_seconds: 12\n")
    folder.edit("infra/topology.yaml", "topics:\n", "topics:\n  bag.found: {}\n")
    folder.edit("infra/topology.yaml", "http_functions:\n", NEW)
    folder.edit("infra/topology.yaml", folder.entry("track_hour"), "")
    folder.add("functions/count_bag", {"main.py": HANDLER, "requirements.txt": ""})
    copy = applied.copied(tmp_path_factory.mktemp("changed"))
    found = dict[str, dict[str, str]]()
    variables = Application.bundled(folder.project, copy).variables(PROD, retired_functions=RETIRED)
    for address, action in copy.changes(variables).items():
        parts = re.fullmatch(r'(?:module\.(\w+)\["([^"]+)"\]\.)?(.+)', address)
        assert parts is not None
        found.setdefault(parts[2] or "", {})[f"{parts[1]}.{parts[3]}"] = action
    return found


def test_what_is_deployed_is_not_changed_again(applied: Configuration, desk: Application) -> None:
    """A second plan, of the same, changes nothing."""
    assert applied.changes(desk.variables(PROD)) == {}


def test_an_edited_source_changes_its_own_function(edited: dict[str, dict[str, str]]) -> None:
    """Another source is another object, and the function is deployed from that."""
    assert edited["post_flight"].keys() == {
        "function.google_storage_bucket_object.source",
        "function.google_cloudfunctions2_function.this",
    }


def test_an_edited_limit_changes_its_own_function(edited: dict[str, dict[str, str]]) -> None:
    """Another timeout goes into the bundle and to the platform, and Pub/Sub waits for it; no subscription is lost."""
    assert edited["assess_flight"].keys() == {
        "function.google_storage_bucket_object.source",
        "function.google_cloudfunctions2_function.this",
        "subscription.google_pubsub_subscription.this",
    }
    assert edited["assess_flight"]["subscription.google_pubsub_subscription.this"] == "update"


def test_a_function_is_added_by_a_folder_and_its_entry(edited: dict[str, dict[str, str]]) -> None:
    """The topology's entry and a folder are all that a function needs to be deployed, called and able to publish."""
    assert set(edited["count_bag"].values()) == {"create"}
    assert edited["count_bag"].keys() == {
        'function.google_cloud_run_service_iam_member.invoker["pubsub"]',
        "function.google_cloudfunctions2_function.this",
        "function.google_project_iam_member.firestore",
        'function.google_pubsub_topic_iam_member.publisher["dead.letters"]',
        'function.google_pubsub_topic_iam_member.publisher["job.advanced"]',
        "function.google_service_account.this",
        "function.google_storage_bucket_object.source",
        "subscription.google_pubsub_subscription.this",
        'subscription.google_pubsub_subscription_iam_member.backstop["dead-letters"]',
    }
    assert edited["bag.found"] == {"topic.google_pubsub_topic.this": "create"}


def test_edits_change_nothing_else(edited: dict[str, dict[str, str]]) -> None:
    """Whatever is for other functions, or for all, stays as it is."""
    assert edited.keys() == {"post_flight", "assess_flight", "count_bag", "bag.found", "track_hour"}


def test_a_function_that_leaves_does_not_take_its_messages(
    applied: Configuration, desk: Application, tmp_path: Path
) -> None:
    """There is no plan as long as nobody has said what becomes of its subscription."""
    folder = Folder.copy(tmp_path)
    folder.edit("infra/topology.yaml", folder.entry("track_hour"), "")
    without_hours = replace(desk, topology_path=folder.project.topology_path)
    with pytest.raises(TerraformFailed, match=r"subscription.{,4}track_hour.{,50} has lifecycle\.prevent_destroy"):
        applied.changes(without_hours.variables(PROD))


def test_a_retired_function_leaves_its_messages(edited: dict[str, dict[str, str]]) -> None:
    """Its subscription stays, and pushes to nobody; the function goes."""
    left = dict(edited["track_hour"])
    assert left.pop("subscription.google_pubsub_subscription.this") == "update"
    assert set(left.values()) == {"delete"}
    assert {each.partition(".")[0] for each in left} == {"function"}


@pytest.mark.parametrize("beginning", HOLDS_DATA, ids=lambda beginning: beginning.replace('" "', ".").rstrip('."'))
def test_what_holds_data_is_not_destroyed(beginning: str) -> None:
    """Wherever such a resource is declared, Terraform refuses to destroy it."""
    texts = [path.read_text() for path in sorted((ROOT / "terraform").rglob("*.tf"))]
    blocks = [block for text in texts for block in re.findall(rf'(?ms)^resource "{beginning}.*?^\}}', text)]
    assert blocks != []
    assert [block for block in blocks if "prevent_destroy = true" not in block] == []
