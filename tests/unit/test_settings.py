"""Settings: the environment, read once."""

import pytest

from tidegate.errors import ConfigurationError
from tidegate.settings import Settings

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
