"""Settings: the environment, read once."""

import pytest

from tidegate.errors import ConfigurationError
from tidegate.settings import Settings

QUEUE = "projects/p/locations/europe-west1/queues/delayed"
EMULATORS = {"FIRESTORE_EMULATOR_HOST": "localhost:1", "PUBSUB_EMULATOR_HOST": "localhost:2"}


def test_the_cloud() -> None:
    """A project is enough; the database has a default."""
    settings = Settings.read({"GOOGLE_CLOUD_PROJECT": "p"})
    assert (settings.project, settings.database) == ("p", "(default)")
    assert (settings.firestore_emulator_host, settings.pubsub_emulator_host) == ("", "")


def test_the_emulators() -> None:
    """Both emulators, another database, and every variable at hand."""
    environment = {"GOOGLE_CLOUD_PROJECT": "p", "TIDEGATE_DATABASE": "d", **EMULATORS}
    settings = Settings.read(environment)
    assert settings == Settings("p", "d", "localhost:1", "localhost:2", environment)


def test_a_queue_in_the_cloud() -> None:
    """A queue for events that are due later, and the account that publishes them."""
    settings = Settings.read(
        {"GOOGLE_CLOUD_PROJECT": "p", "TIDEGATE_TASKS_QUEUE": QUEUE, "TIDEGATE_TASKS_ACCOUNT": "timers@p"}
    )
    assert (settings.tasks_host, settings.tasks_queue, settings.tasks_account) == ("", QUEUE, "timers@p")


def test_a_queue_on_the_emulators() -> None:
    """There it needs a local service, and no account."""
    settings = Settings.read(
        {"GOOGLE_CLOUD_PROJECT": "p", **EMULATORS, "TIDEGATE_TASKS_QUEUE": QUEUE, "TIDEGATE_TASKS_HOST": "localhost:3"}
    )
    assert (settings.tasks_host, settings.tasks_queue, settings.tasks_account) == ("localhost:3", QUEUE, "")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TIDEGATE_TASKS_QUEUE": "delayed"}, "is 'delayed': write projects/P/locations/L/queues/Q"),
        ({"TIDEGATE_TASKS_QUEUE": QUEUE}, "but not TIDEGATE_TASKS_ACCOUNT: set it"),
        ({"TIDEGATE_TASKS_QUEUE": QUEUE, **EMULATORS}, "only one of TIDEGATE_TASKS_HOST and PUBSUB_EMULATOR_HOST"),
        (
            {"TIDEGATE_TASKS_QUEUE": QUEUE, "TIDEGATE_TASKS_HOST": "localhost:3"},
            "only one of TIDEGATE_TASKS_HOST and PUBSUB_EMULATOR_HOST",
        ),
    ],
)
def test_half_a_queue(environment: dict[str, str], said: str) -> None:
    """A local application must not fill a real queue, nor may events be lost for want of an account."""
    with pytest.raises(ConfigurationError, match=said):
        Settings.read({"GOOGLE_CLOUD_PROJECT": "p", **environment})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "GOOGLE_CLOUD_PROJECT is not set: set it"),
        ({"GOOGLE_CLOUD_PROJECT": ""}, "GOOGLE_CLOUD_PROJECT is not set: set it"),
        *[({"GOOGLE_CLOUD_PROJECT": "p", name: host}, "set both") for name, host in EMULATORS.items()],
    ],
)
def test_a_wrong_environment_says_what_to_set(environment: dict[str, str], said: str) -> None:
    """Half an emulator would write to production."""
    with pytest.raises(ConfigurationError, match=said):
        Settings.read(environment)
