"""Terraform, initialised once, and the plans that are made with it."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.terraform.applications import BARE, SCHEMA, SMALL, Application, everything
from tests.terraform.composition import Composition, Part
from tests.terraform.mutations import COPIES, WAY
from tests.terraform.plan import Plan
from tests.terraform.provider import serving
from tests.terraform.shared_folder import SharedFolder
from tests.terraform.terraform import PROJECT, REGION, ROOT, Configuration, TerraformFailed, Variables
from tidegate.testing.missing import missing
from tidegate.topology import Topology
from tidegate_ops.project import Project

BOOTSTRAP = {
    "project": PROJECT,
    "region": REGION,
    "deployers": ["group:desk@example.com"],
    "approvers": ["group:leads@example.com"],
    "repository": f"projects/{PROJECT}/locations/{REGION}/connections/git/repositories/desk",
}


@pytest.fixture(scope="session")
def terraform() -> None:
    """For what needs terraform."""
    if not shutil.which("terraform"):
        missing("terraform is not installed: see https://developer.hashicorp.com/terraform/install")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SharedFolder:
    """What all processes of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return SharedFolder((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "terraform")


@pytest.fixture(scope="session")
def configuration(terraform: None, shared: SharedFolder) -> Iterator[Configuration]:
    """The project's configuration, initialised in a folder of its own, with the desk bundled beside it."""

    def prepare(folder: Path) -> None:
        copy = Configuration.copy(folder)
        try:
            copy.run("init", "-input=false")
        except TerraformFailed as failure:
            if "provider" not in str(failure):
                raise
            missing(
                "terraform cannot get its providers: allow it to reach the provider registry, or name a mirror "
                f"in the file that TF_CLI_CONFIG_FILE names ({' '.join(str(failure).split()[-40:])})"
            )
        Application.bundled(Project(ROOT), copy)

    initialised = Configuration(shared.once("configuration", prepare) / "terraform")
    with serving(initialised) as attached, pytest.MonkeyPatch.context() as patch:
        for name, value in attached.items():
            patch.setenv(name, value)
        yield initialised


@pytest.fixture(scope="session")
def desk() -> Application:
    """The flight operations desk, as it would be deployed."""
    return Application.of(Project(ROOT))


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
def together(
    configuration: Configuration, small: Application, bare: Application, shared: SharedFolder
) -> Callable[[str], Plan]:
    """The plan of one of what is planned together, by its name: the applications that are there for the tests alone,
    the small one with mutations, and what is there before any application.
    """
    parts = {
        "small": Part("whole/terraform", small.variables().given),
        "bare": Part("whole/terraform", bare.variables().given),
        "bootstrap": Part("whole/terraform/bootstrap", BOOTSTRAP),
        **{name: Part(f"{name}/terraform", small.variables().given) for name in COPIES},
    }

    def plan(folder: Path) -> None:
        composition = Composition(folder)
        composition.source("whole")
        for name, mutations in COPIES.items():
            copy = composition.source(name)
            copy.replace(*WAY)
            for _, path, old, new, _ in mutations:
                copy.replace(path, old, new)
        composition.of(parts).plan(Variables({}), folder)

    folder = shared.once("together", plan)
    return lambda name: Plan.read_part(folder, name, parts[name].given)


@pytest.fixture(scope="session")
def faulty(together: Callable[[str], Plan]) -> dict[str, Plan]:
    """The plans of the configurations with mutations."""
    return {name: together(name) for name in COPIES}


@pytest.fixture(scope="session")
def planned(configuration: Configuration, desk: Application, shared: SharedFolder) -> Callable[[str], Path]:
    """The folder with the desk's plan in one of its environments, made once."""
    return lambda environment: shared.once(
        environment, lambda folder: configuration.plan(desk.variables(environment), folder)
    )


@pytest.fixture(scope="session")
def plan_of(
    together: Callable[[str], Plan],
    planned: Callable[[str], Path],
    desk: Application,
    small: Application,
    bare: Application,
) -> Callable[[str], tuple[Plan, Topology]]:
    """The plan of one of the applications, or of the desk in one of its environments, and its topology."""

    @cache
    def plan_once(name: str) -> tuple[Plan, Topology]:
        if name in ("small", "bare"):
            return together(name), {"small": small, "bare": bare}[name].topology
        return Plan.read(planned(name)), desk.topology

    return plan_once
