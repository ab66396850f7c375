"""Finding the official emulators: Java and the jars below the Google Cloud SDK."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

_USUAL_ROOTS = (Path("/usr/lib/google-cloud-sdk"), Path.home() / "google-cloud-sdk")


class Jar(Enum):
    """An emulator's jar: its name for people, its gcloud component, its place below the SDK root, its main class."""

    PUBSUB = (
        "Pub/Sub emulator",
        "pubsub-emulator",
        "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
        "com.google.cloud.pubsub.testing.v1.Main",
    )
    FIRESTORE = (
        "Firestore emulator",
        "cloud-firestore-emulator",
        "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
        "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
    )

    def __init__(self, label: str, component: str, pattern: str, main_class: str) -> None:
        self.label = label
        self.component = component
        self.pattern = pattern
        self.main_class = main_class


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the local stack needs and this machine lacks.

    Attributes:
        what: its name.
        how: the command that installs it.
    """

    what: str
    how: str

    def __str__(self) -> str:
        return f"{self.what} is missing; install it with: {self.how}"


def find_missing() -> list[Missing]:
    """What has to be installed before the emulators can start; empty when nothing has."""
    missing = [] if find_java() else [Missing("Java", _java_install())]
    return missing + [Missing(jar.label, _jar_install(jar)) for jar in Jar if find_jar(jar) is None]


def find_java() -> str | None:
    """The ``java`` to run: that of JAVA_HOME, or the first on PATH."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")


@cache
def find_jar(jar: Jar) -> Path | None:
    """The jar's newest version below the first SDK root that has one."""
    for root in _roots():
        if found := sorted(root.glob(jar.pattern)):
            return found[-1]
    return None


def _roots() -> Iterator[Path]:
    """SDK roots, the likely and quick ones first: asking gcloud itself takes a second."""
    if named := os.environ.get("TIDEGATE_SDK_ROOT"):
        yield Path(named)
        return  # who names a root wants that one
    gcloud = shutil.which("gcloud")
    if gcloud:
        yield Path(gcloud).resolve().parent.parent
    yield from _USUAL_ROOTS
    if gcloud:
        asked = subprocess.run(
            [gcloud, "info", "--format=value(installation.sdk_root)"], capture_output=True, text=True, check=False
        )
        if root := asked.stdout.strip():
            yield Path(root)


def _java_install() -> str:
    if shutil.which("brew"):
        return "brew install openjdk@17"
    if shutil.which("dnf"):
        return "sudo dnf install java-17-openjdk-headless"
    return "sudo apt-get install openjdk-17-jre-headless"


def _jar_install(jar: Jar) -> str:
    """An SDK from a package manager refuses ``gcloud components``: there its packages have to be used."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return "curl https://sdk.cloud.google.com | bash  # then: gcloud components install " + jar.component
    if Path(gcloud).resolve().is_relative_to("/usr/lib/google-cloud-sdk"):
        manager = "dnf" if shutil.which("dnf") else "apt-get"
        return f"sudo {manager} install google-cloud-cli-{jar.component.removeprefix('cloud-')}"
    return f"gcloud components install {jar.component}"
