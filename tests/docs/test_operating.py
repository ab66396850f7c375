"""The runbook agrees with the commands, the faults and the alerts."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.docs.markdown import Page
from tidegate.records import Fault
from tidegate_ops.cli import app

ROOT = Path(__file__).parents[2]
PAGE = Page.read(ROOT / "docs" / "operating.md")


@pytest.mark.parametrize("line", sorted(PAGE.commands("tidegate")))
def test_commands_parse(line: str) -> None:
    """Each is a command, with the options that it shows."""
    result = CliRunner().invoke(app, [*line.split()[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_every_fault_of_a_letter_is_explained() -> None:
    """Those that are shed have no letter."""
    explained = {name for row in PAGE.section("Dead letters").rows("fault") for name in re.findall(r"`(\w+)`", row[0])}
    assert explained == {fault for fault in Fault if not fault.shed}


def test_every_alert_leads_to_a_section() -> None:
    """By the anchor that its documentation names; and each section is that of an alert."""
    alerts = (ROOT / "terraform" / "modules" / "observability" / "alerts.tf").read_text()
    named = set(re.findall(r'section += "([\w-]+)"', alerts))
    titles = re.findall(r"^## (.+)$", PAGE.text, re.MULTILINE)
    assert named == {title.lower().replace(" ", "-") for title in titles}
