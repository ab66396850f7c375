"""The operator's commands reach the project that is meant, and never production by accident."""

import pytest

from tidegate.errors import ConfigurationError
from tidegate_ops.connections import connect, find_settings
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

EMULATORS = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:7", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8"}


def test_google_cloud_has_to_be_named(project: Project) -> None:
    """Without a stack or emulators, only --project decides, whatever the environment's project is."""
    with pytest.raises(ConfigurationError, match="--project"):
        find_settings(project, environment={"GOOGLE_CLOUD_PROJECT": "production"})
    settings = find_settings(project, "other", {"GOOGLE_CLOUD_PROJECT": "production", "TIDEGATE_DATABASE": "desk"})
    assert (settings.project, settings.database, settings.pubsub_emulator_host) == ("other", "desk", "")


def test_environment_comes_before_the_running_stack(project: Project) -> None:
    """Both emulators of the environment, otherwise those of the stack."""
    state = StackState.own("local-project", project.build_dir / "x")
    state.write(project)
    with pytest.raises(ConfigurationError, match="still starting"):
        find_settings(project, environment={})
    hosts = {"pubsub_host": "127.0.0.1:1", "firestore_host": "127.0.0.1:2"}
    state.model_copy(update=hosts).write(project)
    of_stack = find_settings(project, environment={})
    assert (of_stack.project, of_stack.pubsub_emulator_host, of_stack.firestore_emulator_host) == (
        "local-project",
        "127.0.0.1:1",
        "127.0.0.1:2",
    )
    of_environment = find_settings(project, environment=EMULATORS)
    assert (of_environment.project, of_environment.pubsub_emulator_host) == ("tidegate-local", "127.0.0.1:7")
    assert find_settings(project, "named", EMULATORS).project == "named"


@pytest.mark.parametrize("only", EMULATORS)
def test_one_emulator_alone_is_refused(project: Project, only: str) -> None:
    """Half of the application on an emulator would write the other half's work to production."""
    with pytest.raises(ConfigurationError, match="only one of"):
        find_settings(project, "named", {only: EMULATORS[only]})


@pytest.mark.anyio
async def test_clients_connect_on_first_use(project: Project) -> None:
    """Connecting and leaving again asks nobody anything."""
    async with connect(find_settings(project, environment=EMULATORS)) as connections:
        assert connections.firestore.project == "tidegate-local"
