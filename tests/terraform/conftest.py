"""Terraform, initialised once, and the plans that are made with it."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.terraform.applications import BARE, SCHEMA, SMALL, Application, everything
from tests.terraform.plan import Plan
from tests.terraform.terraform import ROOT, Configuration, TerraformFailed
from tidegate.topology import Topology
from tidegate_ops.project import Project


@pytest.fixture(scope="session")
def terraform() -> None:
    """Skips what needs terraform where it is not installed; in CI that is a failure."""
    if not shutil.which("terraform"):
        _missing("terraform is not installed: see https://developer.hashicorp.com/terraform/install")


@pytest.fixture(scope="session")
def configuration(terraform: None, tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """The project's configuration, initialised in a folder of its own."""
    copy = Configuration.copy(tmp_path_factory.mktemp("configuration"))
    try:
        copy.run("init", "-input=false")
    except TerraformFailed as failure:
        if "provider" not in str(failure):
            raise
        _missing(
            "terraform cannot get its providers: allow it to reach the provider registry, or name a mirror "
            f"in the file that TF_CLI_CONFIG_FILE names ({' '.join(str(failure).split())[-300:]})"
        )
    return copy


@pytest.fixture(scope="session")
def desk(configuration: Configuration) -> Application:
    """The flight operations desk, as it would be deployed."""
    return Application.of(Project(ROOT), configuration)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """An application that leaves to its topology's defaults what it can, and asks for all there is beside it."""
    folder = tmp_path_factory.mktemp("small")
    schema = folder / "parcel.avsc"
    schema.write_text(SCHEMA)
    return Application.written(folder, SMALL, **everything(schema))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """An application that leaves out what it can."""
    return Application.written(tmp_path_factory.mktemp("bare"), BARE)


@dataclass(frozen=True)
class Runs:
    """What terraform says of the configuration as it is, once it has said it."""

    plans: dict[str, tuple[Future[dict[str, Any]], Application]]
    tests: Future[str]
    validation: Future[str]


@pytest.fixture(scope="session")
def runs(configuration: Configuration, desk: Application, small: Application, bare: Application) -> Iterator[Runs]:
    """All of it, begun at once and done two at a time: each takes seconds, most of which terraform only waits."""
    planned = {"prod": (desk, "prod"), "dev": (desk, "dev"), "small": (small, ""), "bare": (bare, "")}
    with ThreadPoolExecutor(max_workers=2) as pool:
        plans = {
            name: (pool.submit(configuration.plan, application.variables(environment), plan_file(name)), application)
            for name, (application, environment) in planned.items()
        }
        yield Runs(plans, pool.submit(configuration.run, "test"), pool.submit(configuration.run, "validate"))


@pytest.fixture(scope="session")
def plan_of(runs: Runs) -> Callable[[str], tuple[Plan, Topology]]:
    """The plan of one of the applications, or of the desk in one of its environments, and its topology."""

    @cache
    def plan(name: str) -> tuple[Plan, Topology]:
        shown, application = runs.plans[name]
        return Plan.read(shown.result()), application.topology

    return plan


def plan_file(name: str) -> str:
    """Where the plan of that name is kept in the configuration's folder."""
    return f"{name}.tfplan"


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
