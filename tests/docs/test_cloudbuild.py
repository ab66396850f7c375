"""The builds' descriptions are well-formed, and do what `make` does."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tidegate.testing.missing import missing

ROOT = Path(__file__).parents[2]
FILES = ("cloudbuild.yaml", "cloudbuild.deploy.yaml")
BUILDS: dict[str, dict[str, Any]] = {name: YAML(typ="safe").load(ROOT / name) for name in FILES}
STEPS = [pytest.param(step, id=f"{name}:{step['id']}") for name in FILES for step in BUILDS[name]["steps"]]
MAKEFILES = "".join((ROOT / name).read_text() for name in ("Makefile", "deploy.mk"))
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILES, re.MULTILINE))
GIVEN = {"PROJECT_ID", "COMMIT_SHA"}
"""What Cloud Build itself puts in."""


@pytest.mark.parametrize("name", FILES)
def test_cloud_build_would_take_it(name: str) -> None:
    """It fits the schema that check-jsonschema brings of build files."""
    program = Path(sys.executable).with_name("check-jsonschema")
    if not program.exists():
        missing("check-jsonschema is not installed: pip install -r requirements.txt")
    command = [program, "--builtin-schema", "vendor.cloudbuild", ROOT / name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_a_target(step: dict[str, Any]) -> None:
    """Each step but the one that fetches terraform prepares its machine and makes the target it is named after."""
    if step["id"] == "terraform":
        assert step["args"] == ["-c", "mkdir -p build && cp /bin/terraform build/"]
        return
    assert step["args"] == ["-c", f".ci/prepare {step['id']} && make {step['id']}"]
    assert step["id"] in TARGETS


def test_the_order() -> None:
    """A plan is made of what passed everything else; only a plan that was fetched is applied, and then tried."""
    orders = {name: [step["id"] for step in build["steps"]] for name, build in BUILDS.items()}
    assert orders == {
        "cloudbuild.yaml": ["terraform", "check", "test", "contracts", "bundle", "plan"],
        "cloudbuild.deploy.yaml": ["terraform", "bundle", "fetch", "apply", "smoke"],
    }


def test_the_plan_is_fetched_from_where_it_was_kept() -> None:
    """The one build's artifacts are what the other fetches."""
    kept = BUILDS["cloudbuild.yaml"]["artifacts"]["objects"]
    variables = dict(re.findall(r"^(\w+) \??= (.*)$", MAKEFILES, re.MULTILINE))
    buckets = variables["PLANS"].replace("$(BUILDS_BUCKET)", variables["BUILDS_BUCKET"])
    assert kept["location"] == f"{_as_in_a_build(buckets)}/"
    assert kept["paths"] == [f"{_as_in_a_build(variables['PLANNED'])}/*"]


def test_only_the_build_that_was_approved_applies() -> None:
    """Nothing else says that it was."""
    approving = [step["id"] for build in BUILDS.values() for step in build["steps"] if "APPROVED" in str(step)]
    assert approving == ["apply"]
    assert "APPROVED" not in str([build["options"] for build in BUILDS.values()])


@pytest.mark.parametrize("name", FILES)
def test_every_variable_has_a_value(name: str) -> None:
    """What is referred to is among the substitutions, or Cloud Build's own."""
    used = set(re.findall(r"\$\{?(\w+)\}?", str({**BUILDS[name], "substitutions": {}})))
    assert used - GIVEN == set(BUILDS[name]["substitutions"])


def test_images_are_pinned() -> None:
    """Each to a version, the same in both builds."""
    images = {
        build["substitutions"].get(step["name"].strip("${}"), step["name"])
        for build in BUILDS.values()
        for step in build["steps"]
    }
    assert len(images) == 2
    assert all(re.search(r":\d+\.\d+\.\d+(-stable)?$", each) for each in images)


@pytest.mark.parametrize("name", ["run", "prepare"])
def test_scripts_can_be_run(name: str) -> None:
    """What the build calls is there and executable."""
    assert (ROOT / ".ci" / name).stat().st_mode & 0o111


def _as_in_a_build(text: str) -> str:
    return text.replace("$(PROJECT)", "$PROJECT_ID").replace("$(COMMIT)", "$COMMIT_SHA")
