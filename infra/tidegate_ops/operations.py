"""One project as its operators see it and act on it: what the commands and the console are made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.settings import Settings
from tidegate.topology import Topology
from tidegate_ops.connections import Connections, connect, reading_session
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.filed_letters import LetterFile
from tidegate_ops.insight.line_file import KeptLines
from tidegate_ops.insight.lines import Lines
from tidegate_ops.insight.logged_lines import LoggedLines
from tidegate_ops.insight.monitored_traffic import MonitoredTraffic
from tidegate_ops.insight.overview import Overlook, Overview
from tidegate_ops.insight.stack_traffic import StackTraffic
from tidegate_ops.insight.traffic import TrafficSource
from tidegate_ops.insight.untold import UntoldLines, UntoldTraffic
from tidegate_ops.job_archive import JobArchive
from tidegate_ops.job_survey import JobSurvey
from tidegate_ops.pausing import Pausing, pausing_on
from tidegate_ops.project import Project
from tidegate_ops.redrive import Pace, Redrive
from tidegate_ops.stack_state import StackState

_NO_STACK = "the emulators are not those of a local stack, and what nobody keeps cannot be shown: use `tidegate up`"
_NO_CONSOLE = "the local stack has no console that tells its traffic: use `tidegate up`"


@dataclass(frozen=True, slots=True)
class Operations:
    """What can be seen of a project, and done to it; for a local stack and on Google Cloud alike.

    Attributes:
        lines, traffic: what functions write, and what goes through them.
        pausing: pauses, resumes and drains functions.
        letters, letter_file: tell of dead letters, and settle them; `redrive` sends them back.
        jobs: reads what jobs have caused.
    """

    project: Project
    settings: Settings
    topology: Topology
    connections: Connections
    lines: Lines
    traffic: TrafficSource
    pausing: Pausing

    @property
    def letters(self) -> DeadLetterFile:
        return DeadLetterFile(self.connections.firestore, self.topology)

    @property
    def letter_file(self) -> LetterFile:
        return LetterFile(self.connections.firestore, self.topology.functions)

    @property
    def jobs(self) -> JobSurvey:
        return JobSurvey(JobArchive(self.connections.firestore), self.topology)

    def redrive(self, operator: str, per_second: float = 50) -> Redrive:
        """Sends letters back in the operator's name, so many a second at most."""
        return Redrive(self.letter_file, self.connections.publisher, self.topology, operator, Pace(per_second))

    async def overview(self) -> Overview:
        """The application as it is now."""
        firestore = self.connections.firestore
        circuits, jobs = FirestoreCircuits(firestore), FirestoreJobs(firestore)
        return await Overlook(self.topology, self.traffic, self.pausing, circuits, self.letters, jobs).look()


@asynccontextmanager
async def open_operations(
    project: Project, settings: Settings, *, traffic: TrafficSource | None = None
) -> AsyncIterator[Operations]:
    """The project that the settings name, while entered; ``traffic`` for who runs the stack and knows it already.

    Raises:
        ConfigurationError: there are no credentials for the project.
    """
    topology = project.topology()
    lines, found = _sources(project, settings, topology)
    async with connect(settings) as connections:
        pausing = pausing_on(connections, settings, topology)
        yield Operations(project, settings, topology, connections, lines, traffic or found, pausing)


def _sources(project: Project, settings: Settings, topology: Topology) -> tuple[Lines, TrafficSource]:
    if not settings.pubsub_emulator_host:
        session = reading_session()
        lines = LoggedLines(session, settings.project, topology)
        return lines, MonitoredTraffic(session, settings.project, topology)
    state = StackState.find(project)
    if state is None or state.pubsub_host != settings.pubsub_emulator_host:
        return UntoldLines(_NO_STACK), UntoldTraffic(_NO_STACK)
    told = StackTraffic(state.console) if state.console else UntoldTraffic(_NO_CONSOLE)
    return KeptLines(state.directory), told
