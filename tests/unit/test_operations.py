"""Where the operator's commands and the console get what they show."""

import pytest
from google.auth.exceptions import DefaultCredentialsError
from pytest_mock import MockerFixture

from tests.unit.test_connections import EMULATORS
from tidegate.errors import ConfigurationError
from tidegate_ops import connections
from tidegate_ops.connections import find_settings
from tidegate_ops.insight.line_file import KeptLines, LineFile
from tidegate_ops.insight.lines import LinesUnknown, Query
from tidegate_ops.insight.logged_lines import LoggedLines
from tidegate_ops.insight.monitored_traffic import MonitoredTraffic
from tidegate_ops.insight.stack_traffic import StackTraffic
from tidegate_ops.insight.traffic import TrafficUnknown
from tidegate_ops.operations import open_operations
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

pytestmark = pytest.mark.anyio


async def test_of_the_local_stack(project: Project) -> None:
    """Its own files, and the console of the process that runs it."""
    project.build_dir.mkdir()
    LineFile(project.build_dir).note("pack_order", "hello")
    state = StackState.own("tidegate-local", project.build_dir)
    hosts = {"pubsub_host": "127.0.0.1:1", "firestore_host": "127.0.0.1:2", "console": "http://127.0.0.1:3/"}
    state.model_copy(update=hosts).write(project)
    async with open_operations(project, find_settings(project, environment={})) as operations:
        assert isinstance(operations.lines, KeptLines)
        assert [each.text for each in await operations.lines.recent(Query())] == ["hello"]
        assert isinstance(operations.traffic, StackTraffic)


async def test_of_emulators_that_are_no_stack(project: Project) -> None:
    """Nobody keeps anything of those, which is said."""
    async with open_operations(project, find_settings(project, environment=EMULATORS)) as operations:
        with pytest.raises(LinesUnknown, match="use `tidegate up`"):
            await operations.lines.recent(Query())
        with pytest.raises(TrafficUnknown, match="use `tidegate up`"):
            await operations.traffic.look()


async def test_of_a_project_on_google_cloud(project: Project, mocker: MockerFixture) -> None:
    """With the account's own credentials; without any, it says how to get them."""
    default = mocker.patch.object(connections.google.auth, "default", return_value=(mocker.Mock(), ""))
    mocker.patch("tidegate_ops.operations.connect")
    settings = find_settings(project, "desk", {})
    async with open_operations(project, settings) as operations:
        assert isinstance(operations.lines, LoggedLines)
        assert isinstance(operations.traffic, MonitoredTraffic)
    default.side_effect = DefaultCredentialsError("none")  # type: ignore[no-untyped-call]
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        async with open_operations(project, settings):
            pass
