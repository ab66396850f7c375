"""docs/performance.md: its commands exist, its tables have the rows of what is measured, its model follows."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.benchmarks.__main__ import parser
from tests.benchmarks.bench import ASYNC, SYNC
from tests.benchmarks.course import Plan
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.tables import scale_table
from tests.docs.markdown import Page
from tests.docs.test_readme import make_targets
from tidegate_ops.cli import app

PAGE = Page.read(Path(__file__).parents[2] / "docs" / "performance.md")
FIGURES = PAGE.section("Figures")
PLAN = Plan()
NAMES = [each.name for each in SCENARIOS]


@pytest.mark.parametrize("line", sorted(PAGE.commands("make")))
def test_make_targets_exist(line: str) -> None:
    """With options that the benchmarks know."""
    _, target, *variables = line.split()
    assert target in make_targets()
    for each in variables:
        parser().parse_args(shlex.split(each.removeprefix("BENCH=")))


@pytest.mark.parametrize("line", sorted(PAGE.commands("python")))
def test_commands_parse(line: str) -> None:
    """Every `python -m tests.benchmarks …` has options that there are."""
    program = "python -m tests.benchmarks"
    assert line.startswith(program)
    parser().parse_args(shlex.split(line.removeprefix(program)))


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        ("CPU µs a delivery", NAMES),
        (f"beside {ASYNC}", NAMES),
        (f"beside {SYNC}", NAMES),
        ("a delivery", NAMES),
        ("until 202 at the gateway", [f"{each} in flight" for each in PLAN.in_flight]),
        ("records in the ledger", [f"{each:,}" for each in PLAN.records]),
        ("events that a delivery emits: CPU µs each", [f"{each:,}" for each in PLAN.widths]),
    ],
)
def test_the_tables_are_those_of_the_whole_course(heading: str, rows: list[str]) -> None:
    """Nothing that is measured is left out, and nothing is kept that no longer is."""
    assert [row[0] for row in FIGURES.rows(heading)] == rows


def test_the_model_follows_from_the_measured_time() -> None:
    """The instances that a million events a second take are those of the delivery in the first table."""
    headline = FIGURES.rows("CPU µs a delivery")[0][1]
    assert scale_table(float(headline.split()[0].replace(",", ""))).markdown() in FIGURES.text


def test_targets_are_judged_as_they_were_measured() -> None:
    """A target that is missed is said to be."""
    rows = FIGURES.rows("target")
    assert len(rows) >= 9
    for _, bound, measured, met in rows:
        holds = float(measured.split()[0].replace(",", "")) <= float(bound.split()[1])
        assert met == ("yes" if holds else "**no**")


def test_the_costs_are_computed() -> None:
    """The table is what the command prints."""
    printed = CliRunner().invoke(app, ["costs", "--beside"]).stdout
    assert printed in PAGE.section("What it costs on Google Cloud").text
