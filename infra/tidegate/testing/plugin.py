"""The pytest plugin: `world` for functions in memory, the official emulators for what needs them.

A test that takes ``world`` may be ``async def``, and needs no mark: it runs in virtual time.
"""

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# Everything else is imported by whoever asks for it: most runs of pytest need little of it.
if TYPE_CHECKING:
    from tidegate.testing.emulators import Emulators
    from tidegate.testing.world import World
    from tidegate.topology import Topology
    from tidegate_ops.project import Project


@pytest.fixture(scope="session")
def tidegate_project(request: pytest.FixtureRequest) -> "tuple[Project, Topology]":
    """The project around pytest's root folder, and its topology, read once."""
    from tidegate_ops.project import Project

    project = Project.find(request.config.rootpath)
    return project, project.topology()


@pytest.fixture
def world(tidegate_project: "tuple[Project, Topology]") -> "World":
    """A new world in memory, with the project's functions in it."""
    from tidegate.testing.world import World

    return World(*tidegate_project)


@pytest.fixture(scope="session")
def emulators() -> "Iterator[Emulators]":
    """The official emulators, one pair for all tests; skips where they are not installed, and fails in CI."""
    from tidegate.testing.emulators import Emulators
    from tidegate.testing.missing import missing
    from tidegate_ops.emulators import find_missing

    if lacking := find_missing():
        missing(*map(str, lacking))
    with Emulators() as both:
        yield both


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test of a world in virtual time; others are left to other plugins."""
    if "world" not in pyfuncitem.fixturenames or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    from tidegate.testing.virtual_loop import run

    names = inspect.signature(pyfuncitem.obj).parameters
    run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
