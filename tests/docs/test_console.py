"""The console's page agrees with its commands and its files."""

import hashlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.docs.markdown import Page
from tidegate_ops.cli import app
from tidegate_ops.cli.web_console import PASSWORD_VARIABLE

ROOT = Path(__file__).parents[2]
PAGE = Page.read(ROOT / "docs" / "console.md")
VENDORED = {"0.8.0": "e1e2c7dbd606233d302bac48074fd1307c15609b77ea485c18f1b13d6be67c14"}
"""The digests of the vendored script, by its version."""


@pytest.mark.parametrize("line", sorted(PAGE.commands("tidegate")))
def test_commands_parse(line: str) -> None:
    """Each is a command, with the options that it shows."""
    result = CliRunner().invoke(app, [*line.split()[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_the_password_is_named() -> None:
    """By the variable that is read."""
    assert f"`{PASSWORD_VARIABLE}`" in PAGE.text


def test_what_is_vendored_is_what_was_published() -> None:
    """The script is that of the version that the page names, unchanged."""
    [version] = set(re.findall(r"idiomorph@([\d.]+)", PAGE.text))
    script = ROOT / "infra" / "tidegate_ops" / "console" / "static" / "vendor" / "idiomorph.esm.js"
    assert hashlib.sha256(script.read_bytes()).hexdigest() == VENDORED[version]
