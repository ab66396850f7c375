"""Terraform, initialised once, and the plans that are made with it."""

import shutil
from collections.abc import Callable
from functools import cache

import pytest

from tests.terraform.applications import BARE, SCHEMA, SMALL, Application, everything
from tests.terraform.plan import Plan
from tests.terraform.terraform import ROOT, Configuration, TerraformFailed
from tidegate.testing.missing import missing
from tidegate.topology import Topology
from tidegate_ops.project import Project


@pytest.fixture(scope="session")
def terraform() -> None:
    """For what needs terraform."""
    if not shutil.which("terraform"):
        missing("terraform is not installed: see https://developer.hashicorp.com/terraform/install")


@pytest.fixture(scope="session")
def configuration(terraform: None, tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """The project's configuration, initialised in a folder of its own."""
    copy = Configuration.copy(tmp_path_factory.mktemp("configuration"))
    try:
        copy.run("init", "-input=false")
    except TerraformFailed as failure:
        if "provider" not in str(failure):
            raise
        missing(
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


@pytest.fixture(scope="session")
def plan_of(
    configuration: Configuration, desk: Application, small: Application, bare: Application
) -> Callable[[str], tuple[Plan, Topology]]:
    """The plan of one of the applications, or of the desk in one of its environments, made once, and its topology."""
    planned = {"dev": (desk, "dev"), "prod": (desk, "prod"), "small": (small, ""), "bare": (bare, "")}

    @cache
    def plan_once(name: str) -> tuple[Plan, Topology]:
        application, environment = planned[name]
        return Plan.read(configuration.plan(application.variables(environment), plan_file(name))), application.topology

    return plan_once


def plan_file(name: str) -> str:
    """Where the plan of that name is kept in the configuration's folder."""
    return f"{name}.tfplan"
