"""The build's description is well-formed, and does what `make` does."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
BUILD: dict[str, Any] = YAML(typ="safe").load(ROOT / "cloudbuild.yaml")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("step", BUILD["steps"], ids=lambda step: step["id"])
def test_a_step_is_a_target(step: dict[str, Any]) -> None:
    """Each step prepares its machine and makes the target that it is named after."""
    assert step["args"] == ["-c", f".ci/prepare && make {step['id']}"]
    assert step["id"] in TARGETS


def test_every_variable_has_a_value() -> None:
    """What the steps refer to is among the substitutions."""
    used = set(re.findall(r"\$\{(\w+)\}", str(BUILD["steps"])))
    assert used == set(BUILD["substitutions"])


@pytest.mark.parametrize("name", ["run", "prepare"])
def test_scripts_can_be_run(name: str) -> None:
    """What the build calls is there and executable."""
    assert (ROOT / ".ci" / name).stat().st_mode & 0o111
