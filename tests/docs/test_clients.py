"""docs/clients.md: every script on the page runs as it stands, against a real gateway."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import Page
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.project import Project

ROOT = Path(__file__).parents[2]
PAGE = Page.read(ROOT / "docs" / "clients.md")
SCRIPT_SECONDS = 60
TITLES = ("Await", "Future", "Callback", "Updates, status, cancel", "Many events")


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """The address of a gateway in front of the whole application."""
    with EmbeddedStack(Project(ROOT)) as stack:
        yield stack.urls["gateway"]


def test_the_scripts_run(gateway: str, tmp_path: Path) -> None:
    """One after another, as somebody who reads the page would: each edits the note that the one before left."""
    printed = {title: _run(title, gateway, tmp_path) for title in TITLES}
    assert "ended with None" in printed["Await"]
    assert "settled: None" in printed["Future"]
    assert "succeeded" in printed["Callback"]
    assert printed["Updates, status, cancel"].splitlines()[-1] == "succeeded is how it stays"
    assert len(printed["Many events"].splitlines()) == 20


def test_the_readmes_excerpt_runs(gateway: str, tmp_path: Path) -> None:
    """With a manifest of one flight in place of its names."""
    [excerpt] = Page.read(ROOT / "README.md").section("Submit work").fences("python")
    rows = (ROOT / "infra/tidegate_ops/demo/data/flights-2013-02-08.csv").read_text().splitlines()
    script = _AROUND_THE_EXCERPT.format(body=textwrap.indent(excerpt.text, "    "), rows=[rows[0], rows[1]])
    printed = _script(script, gateway, tmp_path).splitlines()
    assert printed[-1] == "None"
    progress = [line.split(" of ") for line in printed[:-1]]
    assert progress
    assert all(int(settled) <= int(known) for settled, known in progress)


_AROUND_THE_EXCERPT = """
import asyncio, datetime, os
from contracts.flights import ManifestReceived
from tidegate.client import Client

async def main(url, day, rows):
{body}
asyncio.run(main(os.environ["TIDEGATE_URL"], datetime.date(2013, 2, 8), "\\n".join({rows!r})))
"""


def test_every_script_is_run() -> None:
    """No other stands on the page."""
    scripts = [fence.text for title in TITLES for fence in PAGE.section(title).fences("python")]
    assert scripts == [fence.text for fence in PAGE.fences("python")]


def _run(title: str, gateway: str, directory: Path) -> str:
    [script] = PAGE.section(title).fences("python")
    return _script(script.text, gateway, directory)


def _script(text: str, gateway: str, directory: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        cwd=directory,
        env={**os.environ, "TIDEGATE_URL": gateway},
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
