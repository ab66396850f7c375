"""Applications that run, each started once for all tests that use it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.application import Application, running
from tests.acceptance.projects import copy_desk, copy_harbour
from tests.acceptance.witness import Witness
from tidegate_ops.demo.partner import Partner


@pytest.fixture(scope="session")
def desk(emulators_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The flight operations desk as it is deployed, with a partner that behaves; use flights of the test's own."""
    root = copy_desk(tmp_path_factory.mktemp("desk"))
    with Partner() as partner, running(root, {"REBOOKING_API_URL": partner.url}) as application:
        yield application


@pytest.fixture(scope="session")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """What the harbour's functions leave for the tests, and the other way round."""
    return Witness(tmp_path_factory.mktemp("witness"))


@pytest.fixture(scope="session")
def harbour(
    emulators_installed: None, witness: Witness, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """An application of functions that fail, wait and die on purpose; use ships of the test's own."""
    root = copy_harbour(tmp_path_factory.mktemp("harbour") / "project")
    with running(root, {"HARBOUR_DIR": str(witness.folder)}) as application:
        yield application
