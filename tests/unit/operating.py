"""A project in memory that the commands take for the one they work on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pytest_mock import MockerFixture

from tidegate.topology import Topology
from tidegate_ops.cli import operate
from tidegate_ops.connections import Connections
from tidegate_ops.operations import Operations
from tidegate_ops.project import Project


def pretend(
    mocker: MockerFixture,
    *,
    topology: Topology | None = None,
    firestore: Any = None,
    publisher: Any = None,
    lines: Any = None,
    pausing: Any = None,
) -> None:
    """Have the commands work on these; what a test does not name is not there."""
    project = Project.find()
    connections = Connections(firestore, publisher, mocker.Mock(), mocker.Mock())
    found = Operations(
        project, mocker.Mock(), topology or project.topology(), connections, lines, mocker.Mock(), pausing
    )

    @asynccontextmanager
    async def open_operations(project: Project, settings: object) -> AsyncIterator[Operations]:
        yield found

    mocker.patch.object(operate, "open_operations", open_operations)
    mocker.patch.object(operate, "find_settings")
