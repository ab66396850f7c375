"""What a running local stack says of itself, in `build/stack.json`."""

import os
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidegate.errors import ConfigurationError
from tidegate_ops.files import write_atomically
from tidegate_ops.project import Project


class RunningFunction(BaseModel):
    """Where one function listens, and the process that does."""

    model_config = ConfigDict(frozen=True)

    port: int
    pid: int


class StackState(BaseModel):
    """A local stack as other commands find it.

    Attributes:
        pid, started: the process that runs it, with its start time, since ids are used again.
        directory: the stack's own files; whoever finds the state stale may remove them.
        pubsub_host, firestore_host: ``address:port`` of the emulators; empty while the stack starts.
        tasks_host: that of the service in place of Cloud Tasks.
        emulator_pids: the emulators' processes.
        console: the URL of its console; empty where it has none.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    pid: int
    started: float
    directory: Path
    pubsub_host: str = ""
    firestore_host: str = ""
    tasks_host: str = ""
    emulator_pids: list[int] = Field(default_factory=list)
    console: str = ""
    functions: dict[str, RunningFunction] = Field(default_factory=dict)

    @classmethod
    def own(cls, project: str, directory: Path) -> Self:
        """The state of a stack that this process is about to start."""
        return cls(project=project, pid=os.getpid(), started=_start_of(os.getpid()), directory=directory)

    @classmethod
    def read(cls, project: Project) -> Self | None:
        """The state that was last written, by whomever; None if there is none that can be read."""
        try:
            return cls.model_validate_json(_path(project).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    @classmethod
    def find(cls, project: Project) -> Self | None:
        """The state of the stack that runs now, if one does."""
        state = cls.read(project)
        return state if state and state.alive else None

    @classmethod
    def require(cls, project: Project) -> Self:
        """The state of the stack that runs now.

        Raises:
            ConfigurationError: none does, or it is still starting.
        """
        state = cls.find(project)
        if state is None:
            raise ConfigurationError(
                "no local stack is running: start one with `tidegate up`, or name a Google Cloud project with --project"
            )
        if not state.ready:
            raise ConfigurationError("the local stack is still starting: wait until `tidegate up` says it is ready")
        return state

    @property
    def alive(self) -> bool:
        """Whether the process that wrote it still runs."""
        return bool(self.started) and _start_of(self.pid) == self.started

    @property
    def ready(self) -> bool:
        """Whether the stack is past its start."""
        return bool(self.pubsub_host)

    def environment(self) -> dict[str, str]:
        """The variables by which Google's libraries and the functions find the emulators and the timer service."""
        return {
            "GOOGLE_CLOUD_PROJECT": self.project,
            "PUBSUB_EMULATOR_HOST": self.pubsub_host,
            "FIRESTORE_EMULATOR_HOST": self.firestore_host,
            "TIDEGATE_TASKS_HOST": self.tasks_host,
            "TIDEGATE_TASKS_QUEUE": f"projects/{self.project}/locations/local/queues/delayed"
            if self.tasks_host
            else "",
        }

    def write(self, project: Project) -> None:
        """Make it the project's state."""
        write_atomically(_path(project), self.model_dump_json(indent=2).encode())

    @staticmethod
    def remove(project: Project) -> None:
        """Say that no stack runs."""
        _path(project).unlink(missing_ok=True)


def _path(project: Project) -> Path:
    return project.build_dir / "stack.json"


def _start_of(pid: int) -> float:
    """When the process was started, in seconds since 1970; 0 if none of this id runs."""
    try:
        process = psutil.Process(pid)
        # One that was killed keeps its id until its parent collects it, but runs no more.
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return 0.0
