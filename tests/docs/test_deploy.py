"""docs/deploy.md: its commands exist, its tables are computed, its numbers are those of the code.

tests/deployment runs its six commands.
"""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.docs.markdown import Page
from tests.docs.test_readme import make_targets
from tidegate.topology import Limits
from tidegate_ops import costs
from tidegate_ops.cli import app
from tidegate_ops.diagnosis.cloud_project import PERMISSIONS

ROOT = Path(__file__).parents[2]
PAGE = Page.read(ROOT / "docs" / "deploy.md")
COSTS = PAGE.section("What it costs")


@pytest.mark.parametrize("line", sorted(PAGE.commands("make") - {"make"}))
def test_make_targets_exist(line: str) -> None:
    """Every `make …` that the page names is a target."""
    assert line.split()[1] in make_targets()


@pytest.mark.parametrize("line", sorted(PAGE.commands("tidegate")))
def test_commands_parse(line: str) -> None:
    """Every `tidegate …` that the page names is a command, with the options it shows."""
    result = CliRunner().invoke(app, [*line.split()[1:], "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["tidegate costs", "tidegate costs --jobs 1"])
def test_the_costs_are_computed(command: str) -> None:
    """The table below a command is what it prints."""
    printed = CliRunner().invoke(app, command.split()[1:]).stdout
    assert printed in COSTS.text.partition(f"`{command}`")[2]


def test_the_costs_in_the_readme_are_computed() -> None:
    """For the smallest and the largest size."""
    printed = CliRunner().invoke(app, ["costs"]).stdout
    [smallest, _, largest] = re.findall(r"\*\*([\d.,]+)\*\*", printed)
    assert f"about ${float(smallest):.1f}0 for a million" in (ROOT / "README.md").read_text()
    assert f"${round(float(largest.replace(',', '')), -3):,.0f} for ten billion" in (ROOT / "README.md").read_text()


def test_the_assumptions_are_those_of_the_code() -> None:
    """Sizes, times and operations."""
    assert costs.EVENT_BYTES == costs.RECORD_BYTES
    text = " ".join(COSTS.text.split())
    assert f"{costs.EVENT_BYTES:,} bytes each; a record expires after {Limits().ledger_days:g} days" in text
    assert f"{costs.MEMORY_GIB:g} GiB, kept busy for {costs.INSTANCE_SECONDS * 1000:g} ms" in text
    assert f"{costs.LOG_BYTES:,} bytes for each request" in text
    reads = costs.JOB_READS + costs.FOLLOWING_READS
    words = {2: "two", 5: "five", 6: "six"}
    assert (
        f"{words[costs.JOB_WRITES]} writes, {words[reads]} reads and {words[costs.FOLLOWING_REQUESTS]} requests" in text
    )
    assert f"{round(1e10 / costs.DAYS / 86_400, -2):,.0f} a second" in PAGE.text


def test_the_prices_are_of_when_the_page_says() -> None:
    """Those that are dated at all."""
    dates = sorted(each.dated for each in costs.load_prices().values() if each.dated)
    assert f"between {dates[0]:%B} and {dates[-1]:%B %Y}, or none" in " ".join(COSTS.text.split())


def test_the_operators_roles_are_those_of_the_doctor() -> None:
    """What it asks for is granted by the roles that the page names; an editor may do what others may."""
    [row] = [row for row in PAGE.section("Roles").rows("who") if row[0] == "who operates the application"]
    asked = {role for _, role in PERMISSIONS.values()} - {"roles/pubsub.viewer", "roles/pubsub.publisher"}
    assert asked <= set(re.findall(r"`(roles/[\w.]+)`", row[1]))


def test_the_smoke_tests_time_is_its_default() -> None:
    """Where nobody says otherwise."""
    assert "The smoke test has 300 seconds" in PAGE.text
    assert "[default: 300.0]" in CliRunner().invoke(app, ["smoke", "--help"], terminal_width=200).stdout
