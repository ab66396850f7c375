"""Looking at everything at once."""

from collections.abc import Mapping

from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.pauses import Pause
from tidegate.settings import Settings
from tidegate.topology import Topology
from tidegate_ops.connections import Connections, connect, find_settings, reading_session
from tidegate_ops.diagnosis.cloud_project import CloudProject, Unanswered
from tidegate_ops.diagnosis.drift import Drift
from tidegate_ops.diagnosis.findings import Finding, problem
from tidegate_ops.diagnosis.machine import diagnose_machine
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState


async def diagnose(project: Project, project_id: str) -> list[Finding]:
    """The machine; the project that is named, or else the local stack, if one runs."""
    findings = list(diagnose_machine(project))
    try:
        topology = project.topology()
    except TidegateError as error:
        return [*findings, problem("topology", str(error), "tidegate check")]
    state = StackState.find(project)
    if not project_id and (state is None or not state.ready):
        return findings
    try:
        settings = find_settings(project, project_id)
        if settings.pubsub_emulator_host:
            return [*findings, *await _emulated(settings, topology, state)]
        return [*findings, *await _deployed(settings, topology)]
    except ConfigurationError as error:
        return [*findings, problem("credentials", str(error), "gcloud auth application-default login")]


async def _emulated(settings: Settings, topology: Topology, state: StackState | None) -> list[Finding]:
    own = state is not None and state.pubsub_host == settings.pubsub_emulator_host
    ports = {name: each.port for name, each in state.functions.items()} if state and own else {}
    endpoints = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
    async with connect(settings) as connections:
        return await _drift(connections, settings, topology, endpoints)


async def _deployed(settings: Settings, topology: Topology) -> list[Finding]:
    cloud = CloudProject(reading_session(), settings.project, topology)
    findings: list[Finding] = []
    try:
        deployed = await cloud.deployed()
    except Unanswered as error:
        deployed = []
        findings.append(problem("functions", "are not known", str(error)))
    else:
        findings += await cloud.diagnose(deployed)
    async with connect(settings) as connections:
        return [*findings, *await _drift(connections, settings, topology, cloud.endpoints(deployed))]


async def _drift(
    connections: Connections, settings: Settings, topology: Topology, endpoints: Mapping[str, str]
) -> list[Finding]:
    pauses: dict[str, Pause] = {}
    findings: list[Finding] = []
    reader = FirestorePauses(connections.firestore)
    for function in topology.functions:
        try:
            stored = await reader.read(function)
        except TidegateError as error:
            findings.append(problem("Firestore", str(error), "grant roles/datastore.viewer; is the database there?"))
            break
        pauses[function] = stored.pause if stored else Pause()
    drift = Drift(
        connections.topics,
        connections.subscriber,
        settings.project,
        topology,
        bool(settings.pubsub_emulator_host),
        endpoints,
        pauses,
    )
    return [*findings, *await drift.diagnose()]
