"""A Google Cloud project held against what the application needs of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.unit.google_service import Asked, GoogleService, google_service
from tests.unit.test_provision import TOPOLOGY
from tidegate_ops.diagnosis.cloud_project import PERMISSIONS, SERVICES, CloudProject, Unanswered
from tidegate_ops.diagnosis.findings import Finding, Weight

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]
AGENT = "serviceAccount:service-7@gcp-sa-pubsub.iam.gserviceaccount.com"
SERVICE = "projects/desk/locations/europe-west1/services/{}"


@dataclass
class Cloud:
    """A project that is as it should be, but for what a test takes away; answers by the API's name and the path."""

    services: list[str] = field(default_factory=lambda: list(SERVICES))
    permissions: list[str] = field(default_factory=lambda: list(PERMISSIONS))
    functions: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(("ship-order", "edit-note", "dead-letters"), "ACTIVE")
    )
    grants: dict[str, str] = field(
        default_factory=lambda: {
            "topics/dead.letters": f"roles/pubsub.publisher {AGENT}",
            "subscriptions/ship-order": f"roles/pubsub.subscriber {AGENT}",
            "subscriptions/edit-note": f"roles/pubsub.subscriber {AGENT}",
            **{
                SERVICE.format(each): "roles/run.invoker serviceAccount:push@desk"
                for each in ("ship-order", "edit-note", "dead-letters")
            },
        }
    )

    def answer(self, asked: Asked) -> dict[str, Any]:
        _, api, _, path = asked.path.split("/", 3)
        if api == "serviceusage":
            names = [each.rpartition("/")[2].partition(".")[0] for each in asked.parameters["names"]]
            found = [(name, "ENABLED" if name in self.services else "DISABLED") for name in names]
            return {"services": [{"name": f"projects/7/services/{n}.googleapis.com", "state": s} for n, s in found]}
        if path.endswith(":testIamPermissions"):
            return {"permissions": [each for each in asked.body["permissions"] if each in self.permissions]}
        if path.endswith(":getIamPolicy"):
            place = path.removesuffix(":getIamPolicy")
            role, _, member = self.grants.get(
                place if api == "run" else place.removeprefix("projects/desk/"), ""
            ).partition(" ")
            return {"bindings": [{"role": role, "members": [member]}]} if role else {}
        if api == "cloudfunctions":
            names = sorted(self.functions)
            first = "pageToken" not in asked.parameters
            return {
                "functions": [self._function(each) for each in (names[:1] if first else names[1:])],
                **({"nextPageToken": "more"} if first else {}),
            }
        return {"projectNumber": "7"}

    def _function(self, name: str) -> dict[str, Any]:
        return {
            "name": f"projects/desk/locations/europe-west1/functions/{name}",
            "state": self.functions[name],
            "serviceConfig": {"uri": f"https://{name}-x.run.app", "service": SERVICE.format(name)},
        }


@pytest.fixture
def service() -> Iterator[GoogleService]:
    with google_service() as service:
        yield service


@pytest.fixture
def cloud(service: GoogleService) -> Cloud:
    cloud = Cloud()
    service.answer = cloud.answer
    return cloud


def project(service: GoogleService) -> CloudProject:
    return CloudProject(service.session, "desk", TOPOLOGY, url=f"{service.url}/{{}}")


async def diagnosed(service: GoogleService) -> dict[str, Finding]:
    """What is wrong, by what it is of."""
    cloud = project(service)
    findings = await cloud.diagnose(await cloud.deployed())
    return {each.subject: each for each in findings if each.weight is not Weight.FINE}


async def test_a_project_that_is_as_it_should_be(service: GoogleService, cloud: Cloud) -> None:
    """Nothing is wrong, and where messages are to be pushed is known."""
    assert await diagnosed(service) == {}
    found = await project(service).deployed()
    assert project(service).endpoints(found) == {
        "ship_order": "https://ship-order-x.run.app",
        "edit_note": "https://edit-note-x.run.app",
        "dead_letters": "https://dead-letters-x.run.app",
    }


async def test_apis_that_are_not_enabled(service: GoogleService, cloud: Cloud) -> None:
    """They are named, with the command that enables them."""
    cloud.services.remove("pubsub")
    found = (await diagnosed(service))["APIs"]
    assert found.remedy == "gcloud services enable --project desk pubsub.googleapis.com"


async def test_permissions_that_are_missing(service: GoogleService, cloud: Cloud) -> None:
    """With what for, and the role to grant."""
    cloud.permissions.remove("logging.logEntries.list")
    found = (await diagnosed(service))["permissions"]
    assert (found.said, found.remedy) == (
        "logging.logEntries.list is missing, for tidegate logs and trace",
        "grant roles/logging.viewer",
    )
    cloud.permissions = [each for each in PERMISSIONS if each != "pubsub.topics.publish"]
    assert (await diagnosed(service))["permissions"].weight is Weight.NOTE  # it may be granted on the topics


async def test_functions_that_are_not_as_they_should_be(service: GoogleService, cloud: Cloud) -> None:
    """Missing, failed, or just being deployed."""
    del cloud.functions["ship-order"]
    cloud.functions |= {"edit-note": "FAILED", "dead-letters": "DEPLOYING"}
    found = await diagnosed(service)
    assert {name: each.weight for name, each in found.items()} == {
        "function ship-order": Weight.PROBLEM,
        "function edit-note": Weight.PROBLEM,
        "function dead-letters": Weight.NOTE,
    }


@pytest.mark.parametrize(
    ("lost", "subject"),
    [
        ("topics/dead.letters", "topic dead.letters"),
        ("subscriptions/ship-order", "subscription ship-order"),
        (SERVICE.format("edit-note"), "function edit-note"),
    ],
)
async def test_grants_that_are_missing(service: GoogleService, cloud: Cloud, lost: str, subject: str) -> None:
    """Those without which something silently does nothing."""
    del cloud.grants[lost]
    assert list(await diagnosed(service)) == [subject]


async def test_what_cannot_be_asked_is_a_problem(service: GoogleService, cloud: Cloud) -> None:
    """It says which role the operator lacks."""
    service.status = 403
    with pytest.raises(Unanswered, match=r"roles/cloudfunctions\.viewer"):
        await project(service).deployed()
    found = {each.subject: each for each in await project(service).diagnose([])}
    assert "grant roles/serviceusage.serviceUsageViewer in project desk" in found["APIs"].remedy
    assert found["permissions"].weight is found["grants"].weight is Weight.PROBLEM


def test_the_apis_are_those_that_terraform_enables() -> None:
    """None more and none less."""
    text = (ROOT / "terraform" / "main.tf").read_text()
    block = text.partition('resource "google_project_service" "this"')[2].partition("])")[0]
    assert sorted(SERVICES) == re.findall(r'"(\w+)\.googleapis\.com"', block)
