"""What is deployed already: a plan changes what was edited, and nothing else; what holds data stays."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.terraform.applications import Application
from tests.terraform.conftest import plan_file
from tests.terraform.plan import Plan
from tests.terraform.terraform import ROOT, Configuration, TerraformFailed
from tidegate.topology import Topology
from tidegate_ops.project import Project

PROD = "prod"
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
# Archives, the ledger and the application's documents, messages that wait, and Terraform's own state.
HOLDS_DATA = (
    'google_bigquery_dataset" "',
    'google_bigquery_table" "',
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

    def add(self, path: str, files: dict[str, str]) -> None:
        """Write a new folder."""
        (self.project.root / path).mkdir()
        for name, text in files.items():
            (self.project.root / path / name).write_text(text)


@pytest.fixture(scope="module")
def applied(
    configuration: Configuration,
    plan_of: Callable[[str], tuple[Plan, Topology]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Configuration:
    """The configuration in a folder whose state says that production has been deployed."""
    plan_of(PROD)
    copy = configuration.copied(tmp_path_factory.mktemp("applied"))
    copy.run("apply", "-input=false", "-lock=false", plan_file(PROD))
    return copy


@pytest.fixture(scope="module")
def without_notes(desk: Application, tmp_path_factory: pytest.TempPathFactory) -> Application:
    """The desk without one of its functions."""
    path = tmp_path_factory.mktemp("smaller") / "topology.yaml"
    path.write_text(re.sub(r"(?m)^  edit_note:\n(    .*\n)+", "", desk.topology_path.read_text()))
    return replace(desk, topology_path=path)


@pytest.fixture(scope="module")
def edited(applied: Configuration, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What three edits change, by whom it is for and by the address in there: of a line of one function's source, of a
    line of another's limits, and of a function that is added with its topic.
    """
    folder = Folder.copy(tmp_path_factory.mktemp("edited"))
    folder.edit("functions/post_flight/main.py", "\n", "\n# Edited.\n")
    folder.edit("infra/topology.yaml", "timeout_seconds: 10\n", "timeout_seconds: 12\n")
    folder.edit("infra/topology.yaml", "topics:\n", "topics:\n  bag.found: {}\n")
    folder.edit("infra/topology.yaml", "http_functions:\n", NEW)
    folder.add("functions/count_bag", {"main.py": HANDLER, "requirements.txt": ""})
    copy = applied.copied(tmp_path_factory.mktemp("changed"))
    found = dict[str, dict[str, str]]()
    for address, action in copy.changes(Application.of(folder.project, copy).variables(PROD)).items():
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
    assert edited.keys() == {"post_flight", "assess_flight", "count_bag", "bag.found"}


def test_a_function_that_leaves_does_not_take_its_messages(applied: Configuration, without_notes: Application) -> None:
    """There is no plan as long as nobody has said what becomes of its subscription."""
    with pytest.raises(TerraformFailed, match=r"subscription.{,4}edit_note.{,50} has lifecycle\.prevent_destroy"):
        applied.changes(without_notes.variables(PROD))


def test_a_retired_function_leaves_its_messages(applied: Configuration, without_notes: Application) -> None:
    """Its subscription stays, and pushes to nobody; the function goes."""
    retired = {"edit_note": {"topic": "note.edited", "ordered": True}}
    found = applied.changes(without_notes.variables(PROD, retired_functions=retired))
    assert found.pop('module.subscription["edit_note"].google_pubsub_subscription.this') == "update"
    assert set(found.values()) == {"delete"}
    assert {each.partition(".google")[0] for each in found} == {'module.function["edit_note"]'}


@pytest.mark.parametrize("beginning", HOLDS_DATA, ids=lambda beginning: beginning.replace('" "', ".").rstrip('."'))
def test_what_holds_data_is_not_destroyed(beginning: str) -> None:
    """Wherever such a resource is declared, Terraform refuses to destroy it."""
    texts = [path.read_text() for path in sorted((ROOT / "terraform").rglob("*.tf"))]
    blocks = [block for text in texts for block in re.findall(rf'(?ms)^resource "{beginning}.*?^\}}', text)]
    assert blocks != []
    assert [block for block in blocks if "prevent_destroy = true" not in block] == []
