"""The README is true: its commands exist, its excerpt is the source, its steps work."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from tests.docs.markdown import Fence, Page
from tidegate_ops.cli import app

ROOT = Path(__file__).parents[2]
README = Page.read(ROOT / "README.md")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = typer.main.get_command(app)


def make_targets() -> set[str]:
    makefiles = [ROOT / "Makefile", ROOT / "deploy.mk"]
    return {name for each in makefiles for name in re.findall(r"^([a-z]+):", each.read_text(), re.MULTILINE)}


def leaves(command: object, path: str) -> Iterator[str]:
    """Every command that is no group, as it is typed."""
    if not isinstance(command, TyperGroup):
        yield path
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), f"{path} {name}")


@pytest.mark.parametrize("line", sorted(README.commands("make") - {"make"}))
def test_make_targets_exist(line: str) -> None:
    """Every `make …` that the README names is a target."""
    assert line.split()[1] in make_targets()


@pytest.mark.parametrize("line", sorted(README.commands("tidegate") - {"tidegate"}))
def test_commands_parse(line: str) -> None:
    """Every `tidegate …` that the README names is a command, with the options it shows."""
    result = CliRunner().invoke(app, [*line.split()[1:], "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_the_overview_lists_every_command() -> None:
    """The README's table has all commands, and no other."""
    listed = [row[0].strip("`") for row in README.section("Commands").rows("command")]
    assert sorted(listed) == sorted(leaves(COMMAND, "tidegate"))


def test_the_handler_is_the_source() -> None:
    """The excerpt equals the handler in functions/rebook_passengers, but for the docstring."""
    [excerpt] = README.section("A handler").fences("python")
    source = (ROOT / "functions" / "rebook_passengers" / "main.py").read_text()
    [handler] = [
        node for node in ast.parse(source).body if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list
    ]
    docstring = handler.body[0]
    assert isinstance(docstring, ast.Expr)
    shown = [*range(handler.decorator_list[0].lineno, docstring.lineno), *range(handler.body[1].lineno, _end(handler))]
    lines = source.splitlines()
    assert excerpt.text.splitlines() == [lines[number - 1] for number in shown]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    """Every link inside the project leads to a file or folder, or to a heading of a page."""
    for link in Page.read(page).links():
        if not link.startswith("https://"):
            path, _, heading = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not heading or heading in Page.read(target).anchors(), link


def test_the_steps_to_add_a_function_work(tmp_path: Path) -> None:
    """Who does what the README says has a project that `tidegate check` finds consistent, and a test that passes."""
    for part in ("functions", "infra"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    for fence in README.section("Add a function").fences():
        take_step(fence, tmp_path)
    run("tidegate contracts check", tmp_path)
    assert list((tmp_path / "build" / "bundles").glob("write-notice-*.zip"))


def test_the_changelog_has_this_version() -> None:
    """What pyproject.toml is about to release has its section."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\n## [{version}] - " in (ROOT / "CHANGELOG.md").read_text()


def take_step(fence: Fence, project: Path) -> None:
    """Do what one block of the instructions says; its introduction names the file, if any."""
    if fence.language == "sh":
        for line in fence.text.splitlines():
            run(line, project)
        return
    [name] = re.findall(r"`([\w/]+\.\w+)`", fence.intro)
    assert (project / name).parent.is_dir(), name
    (project / name).write_text(fence.text)


def run(line: str, project: Path) -> None:
    """Run a command of this environment in ``project``; a failure shows what it said."""
    program, *arguments = line.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "infra")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno + 1
