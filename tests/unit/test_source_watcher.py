"""Edits are seen, and concern those functions that import what was edited."""

from collections.abc import Collection
from pathlib import Path
from queue import Queue

import pytest

from tidegate_ops.project import Project
from tidegate_ops.source_watcher import SourceWatcher

SECONDS = 10


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with two functions, empty but for their files."""
    for file in ("functions/one/main.py", "functions/two/main.py", "infra/tidegate/x.py", "infra/contracts/x.py"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
    (tmp_path / "infra" / "topology.yaml").touch()
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("functions/one/main.py", ["one"]),
        ("functions/two/tables/airports.csv", ["two"]),
        ("infra/tidegate/engine.py", ["one", "two"]),
        ("infra/contracts/flights.py", ["one", "two"]),
        ("infra/tidegate_ops/bundle.py", []),
        ("functions/three/main.py", []),
        ("functions/one/__pycache__/main.pyc", []),
        ("functions/one/.main.py.swp", []),
    ],
)
def test_an_edit_concerns_who_imports_the_file(project: Project, file: str, concerned: list[str]) -> None:
    """A function's own file concerns it alone, shared code all functions, tools and caches none."""
    watcher = SourceWatcher(project, ["one", "two"], on_edit=lambda names: None, on_topology=lambda: None)
    assert list(watcher.concerned(project.root / file)) == concerned


def test_edits_on_disk_are_seen(project: Project) -> None:
    """Writing a file is reported while the watcher is entered."""
    edits: Queue[Collection[str]] = Queue()
    topologies: Queue[bool] = Queue()
    with SourceWatcher(project, ["one"], on_edit=edits.put, on_topology=lambda: topologies.put(True)):
        (project.functions_dir / "one" / "main.py").write_text("x = 1\n", encoding="utf-8")
        assert edits.get(timeout=SECONDS) == ["one"]
        project.topology_path.write_text("application: x\n", encoding="utf-8")
        assert topologies.get(timeout=SECONDS)
