"""Whether a Google Cloud project has what the application needs, and lets the operator work on it."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass

from google.auth.transport.requests import AuthorizedSession

from tidegate.errors import TidegateError
from tidegate.function_config import deployed_name
from tidegate.topology import Topology
from tidegate_ops.diagnosis.findings import Finding, fine, note, problem
from tidegate_ops.google_apis import GoogleApi

SERVICES = (
    "artifactregistry",
    "bigquery",
    "cloudbuild",
    "cloudfunctions",
    "cloudresourcemanager",
    "cloudscheduler",
    "cloudtasks",
    "firestore",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "storage",
)
"""The APIs that terraform/ enables."""

PERMISSIONS = {
    "cloudfunctions.functions.list": ("to see what is deployed", "roles/cloudfunctions.viewer"),
    "datastore.entities.get": ("to read jobs and dead letters", "roles/datastore.user"),
    "datastore.entities.update": ("to settle dead letters and pause functions", "roles/datastore.user"),
    "logging.logEntries.list": ("for tidegate logs and trace", "roles/logging.viewer"),
    "monitoring.timeSeries.list": ("for backlogs and traffic", "roles/monitoring.viewer"),
    "pubsub.subscriptions.get": ("to see who is paused", "roles/pubsub.viewer"),
    "pubsub.subscriptions.update": ("to pause and resume functions", "roles/pubsub.editor"),
    "pubsub.topics.publish": ("to redrive dead letters", "roles/pubsub.publisher"),
}
"""What the operator's commands need of the project, each with what for, and the least role that has it."""


class Unanswered(TidegateError):
    """An API did not tell; the message says why."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function as Google Cloud has it.

    Attributes:
        service: the full name of its Cloud Run service.
    """

    name: str
    state: str
    uri: str
    service: str


@dataclass(frozen=True, slots=True)
class CloudProject:
    """Asks a project's APIs; changes nothing. ``url`` has ``{}`` where the API's name stands."""

    session: AuthorizedSession
    project: str
    topology: Topology
    url: str = "https://{}.googleapis.com"

    async def diagnose(self, deployed: Sequence[Deployed]) -> list[Finding]:
        """APIs, the operator's own permissions, the functions, and the grants that pushes need."""
        parts = await asyncio.gather(
            self._attempt("APIs", self._services()),
            self._attempt("permissions", self._permissions()),
            self._attempt("grants", self._grants(deployed)),
        )
        return [*(each for part in parts for each in part), *self._functions(deployed)]

    async def deployed(self) -> list[Deployed]:
        """The functions that are deployed, whosever they are.

        Raises:
            Unanswered: the API does not tell.
        """
        path = f"v2/projects/{self.project}/locations/-/functions"
        found: list[Deployed] = []
        token = ""
        while True:
            answer = await self._api("cloudfunctions", "roles/cloudfunctions.viewer").ask(
                path, {"pageSize": "1000", **({"pageToken": token} if token else {})}
            )
            for each in answer.get("functions", []):
                service = each.get("serviceConfig", {})
                name = each.get("name", "").rpartition("/")[2]
                found.append(Deployed(name, each.get("state", ""), service.get("uri", ""), service.get("service", "")))
            token = answer.get("nextPageToken", "")
            if not token:
                return found

    def endpoints(self, deployed: Sequence[Deployed]) -> dict[str, str]:
        """Where each function's messages are to be pushed."""
        uris = {each.name: each.uri for each in deployed if each.uri}
        names = {each: deployed_name(each) for each in self.topology.functions}
        return {function: uris[name] for function, name in names.items() if name in uris}

    async def _attempt(self, subject: str, work: Awaitable[list[Finding]]) -> list[Finding]:
        try:
            return await work
        except Unanswered as error:
            return [problem(subject, "are not known", str(error))]

    async def _services(self) -> list[Finding]:
        api = self._api("serviceusage", "roles/serviceusage.serviceUsageViewer")
        names = [f"projects/{self.project}/services/{each}.googleapis.com" for each in SERVICES]
        answer = await api.ask(f"v1/projects/{self.project}/services:batchGet", {"names": names})
        enabled = {
            each.get("name", "").rpartition("/")[2].partition(".")[0]
            for each in answer.get("services", [])
            if each.get("state") == "ENABLED"
        }
        if missing := [f"{each}.googleapis.com" for each in SERVICES if each not in enabled]:
            remedy = f"gcloud services enable --project {self.project} {' '.join(missing)}"
            return [problem("APIs", f"not enabled: {', '.join(missing)}", remedy)]
        return [fine("APIs", f"all {len(SERVICES)} are enabled")]

    async def _permissions(self) -> list[Finding]:
        """What the account that asks may do in the project."""
        api = self._api("cloudresourcemanager", "roles/browser")
        answer = await api.ask(
            f"v1/projects/{self.project}:testIamPermissions", body={"permissions": sorted(PERMISSIONS)}
        )
        lacking = sorted(PERMISSIONS.keys() - set(answer.get("permissions", [])))
        return list(map(_lacking, lacking)) or [
            fine("permissions", "of this account are enough to operate the application")
        ]

    async def _grants(self, deployed: Sequence[Deployed]) -> list[Finding]:
        """Without these, dead-letter policies and pushes are accepted and silently do nothing."""
        project = await self._api("cloudresourcemanager", "roles/browser").ask(f"v1/projects/{self.project}")
        agent = f"serviceAccount:service-{project.get('projectNumber', '')}@gcp-sa-pubsub.iam.gserviceaccount.com"
        topic = self.topology.dead_letter_topic
        limited = [each for each, function in self.topology.functions.items() if function.topic != topic]
        found = await asyncio.gather(
            self._grant(f"topic {topic}", f"topics/{topic}", "roles/pubsub.publisher", agent),
            *(
                self._grant(f"subscription {name}", f"subscriptions/{name}", "roles/pubsub.subscriber", agent)
                for name in map(deployed_name, limited)
            ),
            *map(self._invokers, self._own(deployed)),
        )
        return [each for each in found if each] or [fine("grants", "Pub/Sub may call the functions and file what dies")]

    async def _grant(self, subject: str, resource: str, role: str, member: str) -> Finding | None:
        granted = await self._granted(subject, "pubsub", f"v1/projects/{self.project}/{resource}", role)
        if isinstance(granted, Finding):
            return granted
        if member in granted:
            return None
        return problem(subject, f"{role} is not granted to {member}: Pub/Sub's own dead-lettering fails", "make deploy")

    async def _invokers(self, function: Deployed) -> Finding | None:
        """Whether anybody may call the function: for one of events, the account that pushes are signed as."""
        subject = f"function {function.name}"
        granted = await self._granted(subject, "run", f"v2/{function.service}", "roles/run.invoker")
        if isinstance(granted, Finding):
            return granted
        if granted:
            return None
        return problem(subject, "nobody may call it: every push to it is refused", "make deploy")

    async def _granted(self, subject: str, api: str, resource: str, role: str) -> list[str] | Finding:
        """Who has the role on a resource, or that nobody tells."""
        try:
            policy = await self._api(api, "roles/iam.securityReviewer").ask(f"{resource}:getIamPolicy")
        except Unanswered as error:
            return problem(subject, "its grants are not known", str(error))
        return [
            member
            for each in policy.get("bindings", [])
            if each.get("role") == role
            for member in each.get("members", [])
        ]

    def _functions(self, deployed: Sequence[Deployed]) -> Iterator[Finding]:
        states = {each.name: each.state for each in deployed}
        for function in self.topology.deployed:
            name = deployed_name(function)
            if name not in states:
                yield problem(f"function {name}", "is not deployed", "make deploy")
            elif states[name] == "DEPLOYING":
                yield note(f"function {name}", "is being deployed")
            elif states[name] != "ACTIVE":
                yield problem(f"function {name}", f"is {states[name] or 'in no known state'}", "make deploy")

    def _own(self, deployed: Sequence[Deployed]) -> list[Deployed]:
        names = set(map(deployed_name, self.topology.functions))
        return [each for each in deployed if each.name in names and each.service]

    def _api(self, name: str, role: str) -> GoogleApi:
        service = f"{name}.googleapis.com"
        return GoogleApi(self.session, self.project, self.url.format(name), service, role, service, Unanswered)


def _lacking(permission: str) -> Finding:
    what_for, role = PERMISSIONS[permission]
    if permission.startswith("pubsub."):  # which may be granted on single topics and subscriptions, too
        return note(
            "permissions", f"{permission} is not granted on the project, {what_for}", f"grant {role}, there or here"
        )
    return problem("permissions", f"{permission} is missing, {what_for}", f"grant {role}")
