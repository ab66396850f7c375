"""The targets of deploy.mk: what they tell terraform and gcloud, in which order, and when they refuse to."""

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deployment.cloud import PLAN, PROJECT, ROOT, Cloud
from tests.docs.markdown import Page
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.project import Project

BUILD_ACCOUNT = f"tidegate-build@{PROJECT}.iam.gserviceaccount.com"
DEPLOYED = f"{PROJECT}-terraform/deployed/contracts.json"
START = Page.read(ROOT / "docs" / "deploy.md").section("From an empty project to a published event")


@dataclass(frozen=True)
class Deployed:
    """The cloud after a deployment, what its tools were told until then, and what could be read."""

    cloud: Cloud
    told: list[str]
    output: str


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """The address of a gateway in front of the whole application."""
    with EmbeddedStack(Project(ROOT)) as stack:
        yield stack.urls["gateway"]


@pytest.fixture
def cloud(tmp_path: Path, gateway: str) -> Cloud:
    """A project that nothing was deployed to."""
    cloud = Cloud.prepare(tmp_path)
    cloud.object("gateway").write_text(gateway)
    return cloud


@pytest.fixture
def planned(cloud: Cloud) -> Cloud:
    """The same with a plan that was kept."""
    cloud.planned.mkdir(parents=True)
    for name in ("plan.tfplan", "contracts.json", "lock.hcl"):
        (cloud.planned / name).write_text("{}")
    return cloud


@pytest.fixture(scope="module")
def deployed(gateway: str, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The six commands of docs/deploy.md, one after another."""
    [script] = START.fences("sh")
    assert len(script.text.splitlines()) == 6
    cloud = Cloud.prepare(tmp_path_factory.mktemp("deployed"))
    cloud.object("gateway").write_text(gateway)
    ended = cloud.run("bash", "-ec", script.text, answer="yes")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return Deployed(cloud, cloud.told, ended.stdout)


def test_six_commands_lead_to_a_published_event(deployed: Deployed) -> None:
    """What makes the project ready, the secret, then contracts, bundles, the plan as a file, the question, that very
    plan, and an event through the real gateway, twice.
    """
    assert [" ".join([line.split()[0], *_verb(line)]) for line in deployed.told] == [
        "gcloud auth login",
        "gcloud config get-value",
        "terraform init",
        "terraform apply",
        "terraform init",
        "terraform apply",
        "gcloud beta services",
        "gcloud secrets versions",
        "gcloud secrets versions",
        "gcloud storage objects list",
        "terraform init",
        "terraform validate",
        "terraform plan",
        "terraform show",
        "terraform show",
        "gcloud storage cp",
        "terraform apply",
        "terraform output",
        "gcloud auth print-identity-token",
        "terraform init",
        "terraform output",
        "gcloud auth print-identity-token",
    ]
    assert deployed.output.count("manifest.received was accepted and handled in") == 2


def test_a_deployment(deployed: Deployed) -> None:
    """What was planned is shown, asked about, and applied as it was; its contracts are kept."""
    ready, after = deployed.told[:4], deployed.told[4:]
    assert all(" as= " in line for line in ready)
    assert all(f"as={BUILD_ACCOUNT} " in line for line in after)
    [plan] = (line for line in after if _verb(line) == ["plan"])
    apply = [line for line in after if _verb(line) == ["apply"]][-1]
    kept = str(deployed.cloud.planned / "plan.tfplan")
    assert f"-out={kept}" in plan
    given = {"-var-file=environments/dev.tfvars", f"-var=project={PROJECT}", "-var=region=europe-west1"}
    assert given <= set(plan.split())
    assert apply.endswith(f" {kept}")
    assert deployed.output.index(PLAN) < deployed.output.index(f"Apply this plan to {PROJECT}?")
    assert json.loads(deployed.cloud.object(DEPLOYED).read_text()).keys() == {
        path.name for path in (ROOT / "infra/contracts/schemas").iterdir()
    }
    assert not (deployed.cloud.planned / "plan.tfplan").exists()


@pytest.mark.parametrize("answer", ["no", "y", ""])
def test_only_yes_applies(planned: Cloud, answer: str) -> None:
    """The plan was shown, nothing was changed, and the plan is still there."""
    ended = planned.make("apply", answer=answer)
    assert ended.returncode != 0
    assert PLAN in ended.stdout
    assert "Nothing was changed" in ended.stderr
    assert not applied(planned)
    assert (planned.planned / "plan.tfplan").exists()


def test_without_a_terminal_nothing_is_applied_unasked(planned: Cloud) -> None:
    """A build says that it was approved; whoever does not is told how."""
    ended = planned.make("apply")
    assert ended.returncode != 0
    assert "APPROVED=yes" in ended.stderr
    assert not applied(planned)
    assert planned.make("apply", "APPROVED=yes", "ACCOUNT=").returncode == 0
    assert applied(planned)
    assert all(" as= " in line for line in planned.told[-3:])


def test_nothing_is_applied_without_a_plan(cloud: Cloud) -> None:
    """The message says how to make one."""
    ended = cloud.make("apply", "APPROVED=yes")
    assert ended.returncode != 0
    assert "run make plan" in ended.stderr
    assert not applied(cloud)


def test_contracts_are_kept_before_anything_is_applied(planned: Cloud) -> None:
    """Where that fails, nothing is applied; where the rest fails, they are kept: their events may be in flight."""
    planned.object("away").touch()
    assert planned.make("apply", "APPROVED=yes").returncode != 0
    assert not applied(planned)
    planned.object("away").unlink()
    planned.object("apply-fails").touch()
    ended = planned.make("apply", "APPROVED=yes")
    assert ended.returncode != 0
    assert "run make deploy again" in ended.stderr
    assert planned.object(DEPLOYED).exists()


def test_a_contract_that_deployed_functions_could_not_read_ends_the_deployment(cloud: Cloud) -> None:
    """Before a plan is made."""
    schemas = json.loads((ROOT / "infra/contracts/schemas/note.edited.v1.json").read_text())
    schemas["properties"]["editor"]["type"] = "integer"
    cloud.object(DEPLOYED).parent.mkdir(parents=True)
    cloud.object(DEPLOYED).write_text(json.dumps({"note.edited.v1.json": schemas}))
    ended = cloud.make("deploy", "APPROVED=yes")
    assert ended.returncode != 0
    assert "note.edited.v1: editor: type changed from integer to string" in ended.stderr
    assert not any(line.startswith("terraform") for line in cloud.told)


def test_who_cannot_tell_what_is_deployed_does_not_go_on(cloud: Cloud) -> None:
    """A failure is not taken for "nothing is deployed"."""
    cloud.object("away").touch()
    ended = cloud.make("contracts")
    assert ended.returncode != 0
    assert "compatible" not in ended.stdout


def test_the_plan_of_a_commit_is_fetched(cloud: Cloud) -> None:
    """With the providers that it was made with; an earlier plan is not mistaken for it."""
    kept = cloud.object(f"{PROJECT}-builds/plans/abc123")
    kept.mkdir(parents=True)
    for name in ("plan.tfplan", "plan.txt", "contracts.json", "lock.hcl"):
        (kept / name).write_text(f"{name} of abc123")
    cloud.planned.mkdir(parents=True)
    (cloud.planned / "plan.tfplan").write_text("an earlier plan")
    assert cloud.make("fetch", "COMMIT=abc123").returncode == 0
    assert (cloud.planned / "plan.tfplan").read_text() == "plan.tfplan of abc123"
    assert (cloud.folder / "terraform" / ".terraform.lock.hcl").read_text() == "lock.hcl of abc123"
    ended = cloud.make("fetch", "COMMIT=def456")
    assert ended.returncode != 0
    assert "There is no plan of commit def456" in ended.stderr
    assert not (cloud.planned / "plan.tfplan").exists()


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["PROJECT="], "make plan PROJECT=my-project REGION=europe-west1"),
        (["REGION="], "make plan PROJECT=my-project REGION=europe-west1"),
        (["ENVIRONMENT=staging"], "ENVIRONMENT is one of dev"),
    ],
)
def test_what_is_missing_is_asked_for(cloud: Cloud, arguments: list[str], advice: str) -> None:
    """Before anything is done."""
    ended = cloud.make("plan", *arguments)
    assert ended.returncode != 0
    assert advice in ended.stderr
    assert cloud.told == []


@pytest.mark.parametrize("tool", ["terraform", "gcloud"])
def test_a_tool_that_is_missing_is_named(cloud: Cloud, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where to get it."""
    (cloud.folder / "tools" / tool).unlink()
    for name in ("sh", "make", "bash"):
        (cloud.folder / "tools" / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(cloud.folder / "tools"))
    ended = cloud.make("plan")
    assert ended.returncode != 0
    assert f"{tool} is not installed: see https://" in ended.stderr


def test_the_project_is_made_ready_as_oneself(cloud: Cloud) -> None:
    """The account that deploys is not there yet; whoever makes it may deploy as it."""
    assert cloud.make("bootstrap").returncode == 0
    assert all("-chdir=terraform/bootstrap" in line for line in cloud.told if line.startswith("terraform"))
    assert all(" as= " in line for line in cloud.told)
    assert cloud.told[-1].endswith('-var=environment=dev -var=deployers=["user:me@desk.example"]')


def test_triggers_are_made_for_a_repository(cloud: Cloud) -> None:
    """And deploy what is pushed to the environment that is named, when one of the approvers has agreed."""
    repository = "projects/p/locations/r/connections/c/repositories/desk"
    approvers = '["group:leads@example.com"]'
    assert cloud.make("bootstrap", f"REPOSITORY={repository}", f"APPROVERS={approvers}").returncode == 0
    assert cloud.told[-1].endswith(f"-var=repository={repository} -var=approvers={approvers}")


def test_the_account_of_pubsub_is_there_before_anything_is_granted_to_it(deployed: Deployed) -> None:
    """By itself it comes some time after the first use, and until then every grant to it is refused."""
    [created] = [number for number, line in enumerate(deployed.told) if " beta services identity create " in line]
    assert "--service=pubsub.googleapis.com" in deployed.told[created]
    assert created < next(number for number, line in enumerate(deployed.told) if _verb(line) == ["plan"])


def test_a_secret_gets_one_first_value(deployed: Deployed) -> None:
    """Random, in the form that webhooks are signed with; whatever is there already stays."""
    value = deployed.cloud.object("secret").read_text()
    assert len(base64.b64decode(value.removeprefix("whsec_"), validate=False)) == 32
    [apply] = [line for line in deployed.told if "-target=google_secret_manager_secret.this" in line]
    assert _verb(apply) == ["apply"]
    assert "-auto-approve" not in apply
    assert deployed.cloud.make("secrets").returncode == 0
    assert deployed.cloud.object("secret").read_text() == value


def applied(cloud: Cloud) -> bool:
    return any(_verb(line) == ["apply"] for line in cloud.told)


def _verb(line: str) -> list[str]:
    """The command's own words: a tool of terraform's has one, one of gcloud's some."""
    words = [each for each in line.split()[2:] if not each.startswith("-")]
    if line.startswith("terraform"):
        return words[:1]
    return words[:3] if words[:2] == ["storage", "objects"] else words[:2]
