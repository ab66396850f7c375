"""What is there before the application: its state is safe, and whoever deploys may do what that needs, and no more."""

import re
from collections.abc import Callable

import pytest

from tests.terraform.applications import Application
from tests.terraform.plan import Plan
from tests.terraform.rules import resources
from tests.terraform.rules.grants import ALLOWED_ON_PROJECT
from tests.terraform.terraform import PROJECT, ROOT
from tidegate.topology import Topology

# What it takes to make resources, by how their types begin.
NEEDED = {
    "google_artifact_registry_": "roles/artifactregistry.admin",
    "google_bigquery_": "roles/bigquery.dataOwner",
    "google_cloud_run_": "roles/run.admin",
    "google_cloud_scheduler_": "roles/cloudscheduler.admin",
    "google_cloud_tasks_": "roles/cloudtasks.queueAdmin",
    "google_cloudfunctions2_": "roles/cloudfunctions.developer",
    "google_firestore_": "roles/datastore.owner",
    "google_logging_": "roles/logging.configWriter",
    "google_monitoring_alert_": "roles/monitoring.alertPolicyEditor",
    "google_monitoring_dashboard": "roles/monitoring.dashboardEditor",
    "google_monitoring_notification_": "roles/monitoring.notificationChannelEditor",
    "google_project_iam_": "roles/resourcemanager.projectIamAdmin",
    "google_project_service": "roles/serviceusage.serviceUsageAdmin",
    "google_pubsub_": "roles/pubsub.admin",
    "google_secret_manager_": "roles/secretmanager.admin",
    "google_service_account": "roles/iam.serviceAccountAdmin",
    "google_storage_": "roles/storage.admin",
}
# Beside resources: to know the project's number, to deploy what runs as another account, to write a build's log.
ALWAYS = {"roles/browser", "roles/iam.serviceAccountUser", "roles/logging.logWriter"}


@pytest.fixture(scope="module")
def bootstrap(together: Callable[[str], Plan]) -> Plan:
    """Its plan."""
    return together("bootstrap")


def granted(plan: Plan) -> set[str]:
    """The roles on the project of the account that builds."""
    return {each.values["role"] for each in plan.of("project_iam_member") if ".approver[" not in each.address}


def test_whoever_deploys_may_make_what_is_planned(
    bootstrap: Plan, plan_of: Callable[[str], tuple[Plan, Topology]]
) -> None:
    """Each role is needed by a resource of an application that has all there is, and no resource needs another one."""
    types = {each.type for each in plan_of("small")[0].resources}
    needed = {type_: [role for beginning, role in NEEDED.items() if type_.startswith(beginning)] for type_ in types}
    assert [type_ for type_, roles in needed.items() if not roles] == []
    assert granted(bootstrap) == {role for roles in needed.values() for role in roles} | ALWAYS


def test_whoever_deploys_grants_only_what_functions_need(bootstrap: Plan) -> None:
    """The right to grant roles on the project ends with those that the application grants there."""
    (grants,) = bootstrap.of("project_iam_member", role="roles/resourcemanager.projectIamAdmin")
    expression = grants.block("condition")["expression"]
    roles = re.fullmatch(
        r"api\.getAttribute\(\"iam\.googleapis\.com/modifiedGrantsByRole\", \[\]\)\.hasOnly\(\[(.*)\]\)", expression
    )
    assert roles is not None
    assert set(re.findall(r'"([^"]+)"', roles[1])) == ALLOWED_ON_PROJECT.keys()


def test_no_role_is_primitive(bootstrap: Plan) -> None:
    """Nobody is owner, editor or viewer of everything."""
    assert granted(bootstrap).isdisjoint({"roles/owner", "roles/editor", "roles/viewer"})


def test_people_deploy_as_the_account(bootstrap: Plan) -> None:
    """They may act as it, and have no rights of their own."""
    (deployer,) = bootstrap.of("service_account_iam_member", role="roles/iam.serviceAccountTokenCreator")
    assert deployer.values["member"] == "group:desk@example.com"


def test_the_account_can_call_the_gateway(bootstrap: Plan) -> None:
    """It may make itself a token that says who it is, and no other one."""
    roles = {each.values["role"] for each in bootstrap.of("service_account_iam_member") if ".itself" in each.address}
    assert roles == {"roles/iam.serviceAccountOpenIdTokenCreator"}


def test_what_is_deployed_by_a_push_was_approved(bootstrap: Plan) -> None:
    """Both builds run at a push to main, as the account; the one that changes something waits for a person."""
    triggers = {each.values["filename"]: each for each in bootstrap.of("cloudbuild_trigger")}
    assert {name: each.block("approval_config")["approval_required"] for name, each in triggers.items()} == {
        "cloudbuild.yaml": False,
        "cloudbuild.deploy.yaml": True,
    }
    assert all((ROOT / name).is_file() for name in triggers)
    (approver,) = bootstrap.of("project_iam_member", role="roles/cloudbuild.builds.approver")
    assert approver.values["member"] == "group:leads@example.com"


def test_the_state_is_kept(bootstrap: Plan, bare: Application) -> None:
    """Its bucket is where the application looks for it, keeps earlier states, and is not for everybody."""
    (state,) = bootstrap.of("storage_bucket", name=f"{PROJECT}-terraform")
    assert state.block("versioning") == {"enabled": True}
    assert list(resources.buckets(bootstrap, bare.topology)) == []
