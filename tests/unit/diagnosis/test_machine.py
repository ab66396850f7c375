"""A machine held against what the project needs of it."""

import subprocess
from typing import Any

import pytest
from pytest_mock import MockerFixture

from tidegate_ops.cloud_sdk import Missing
from tidegate_ops.diagnosis import machine
from tidegate_ops.diagnosis.findings import Finding, Weight
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState


@pytest.fixture
def versions(mocker: MockerFixture) -> dict[str, str]:
    """What programs say of themselves, by their names; none of them is run."""
    said = {"java": 'openjdk version "17.0.9"', "terraform": "Terraform v1.11.4"}

    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 0, "", said[command[0]])

    mocker.patch.object(machine, "find_missing", return_value=[])
    mocker.patch.object(machine, "find_java", return_value="java")
    mocker.patch.object(machine.shutil, "which", return_value="/bin/terraform")
    mocker.patch.object(machine.subprocess, "run", run)
    return said


def wrong(project: Project) -> dict[str, Finding]:
    return {each.subject: each for each in machine.diagnose_machine(project) if each.weight is not Weight.FINE}


def pin(project: Project, text: str) -> None:
    (project.infra / "tidegate" / "requirements.txt").write_text(text)


@pytest.fixture
def sound(project: Project, versions: dict[str, str]) -> Project:
    """A project on a machine that lacks nothing."""
    pin(project, f"pydantic=={machine.version('pydantic')}\n")
    (project.root / "terraform").mkdir()
    (project.root / "terraform" / "versions.tf").write_text('terraform {\n  required_version = ">= 1.5"\n}\n')
    return project


def test_a_machine_that_lacks_nothing(sound: Project) -> None:
    """Nothing is wrong."""
    assert wrong(sound) == {}


def test_an_old_python(sound: Project, mocker: MockerFixture) -> None:
    """The project does not run on it."""
    mocker.patch.object(machine.sys, "version_info", (3, 10, 1))
    assert wrong(sound)["Python"].said == "3.10.1"


@pytest.mark.parametrize(
    ("pins", "says"), [("typer==0.0.1", "instead of 0.0.1"), ("a==1", "a none instead of 1"), ("a", "no pin")]
)
def test_packages_that_differ(sound: Project, pins: str, says: str) -> None:
    """What runs here is not what is deployed."""
    pin(sound, pins)
    assert says in wrong(sound)["packages"].said


def test_emulators_that_are_missing(sound: Project, mocker: MockerFixture) -> None:
    """Each is named, with the command that installs it."""
    mocker.patch.object(machine, "find_missing", return_value=[Missing("Java", "apt-get install java")])
    assert wrong(sound)["Java"].remedy == "apt-get install java"


@pytest.mark.parametrize(
    ("program", "said", "subject"),
    [("java", 'java version "8.0.1"', "Java"), ("terraform", "Terraform v1.4.9", "terraform")],
)
def test_programs_that_are_too_old(
    sound: Project, versions: dict[str, str], program: str, said: str, subject: str
) -> None:
    """They are a problem before they fail."""
    versions[program] = said
    assert wrong(sound)[subject].weight is Weight.PROBLEM


def test_without_terraform(sound: Project, mocker: MockerFixture) -> None:
    """It is worth knowing, and no problem: only deploying takes it."""
    mocker.patch.object(machine.shutil, "which", return_value=None)
    assert wrong(sound)["terraform"].weight is Weight.NOTE


@pytest.mark.parametrize(
    ("changes", "weight", "says"),
    [
        ({"started": 1.0}, Weight.NOTE, "was killed"),
        ({}, Weight.NOTE, "still starting"),
        ({"pubsub_host": "127.0.0.1:1", "firestore_host": "127.0.0.1:1"}, Weight.PROBLEM, "do not answer"),
    ],
)
def test_a_stack_that_does_not_run_well(sound: Project, changes: dict[str, Any], weight: Weight, says: str) -> None:
    """Killed, starting, or with emulators that do not answer."""
    sound.build_dir.mkdir()
    StackState.own("p", sound.build_dir).model_copy(update=changes).write(sound)
    found = wrong(sound)["local stack"]
    assert found.weight is weight
    assert says in found.said
