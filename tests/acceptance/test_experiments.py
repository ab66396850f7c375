"""The experiments in short: their promises hold on a small scale, but for times, which need a machine of their own."""

import io
import sys
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from tests.acceptance.interrupts import interrupt
from tests.acceptance.projects import copy_desk
from tidegate_ops.demo.display import Lines
from tidegate_ops.experiments import flood, outage
from tidegate_ops.project import Project

pytestmark = pytest.mark.usefixtures("emulators_installed")

TIDEGATE = [sys.executable, "-c", "from tidegate_ops.cli import main; main()"]
SETTLED_SECONDS = 60
"""Longer than promised: other tests run besides."""


def test_an_outage_with_a_breaker(tmp_path: Path) -> None:
    """Nothing dies of it, everything is booked once, and the partner is left alone."""
    plan = outage.Plan(seconds=4)
    said = io.StringIO()
    arm = outage.play(Project(copy_desk(tmp_path / "desk")), plan, Lines(Console(file=said)), guarded=True)
    assert (arm.dead_letters, arm.bookings, arm.booked_twice) == (0, plan.events, 0)
    assert arm.most_calls is not None
    assert 0 < arm.calls_while_down <= arm.most_calls
    assert arm.settled_seconds < SETTLED_SECONDS
    assert max(arm.series["breaker open"]) == 1
    assert "the partner is back" in said.getvalue()


def test_a_flood(tmp_path: Path) -> None:
    """Every request is accepted or told when to come again, and every accepted job succeeds."""
    found = flood.run(Project(copy_desk(tmp_path / "desk")), 4, Lines(Console(file=io.StringIO())))
    kept = found.claims()
    late = next(promise for promise in kept if "p99" in promise)
    assert [promise for promise, holds in kept.items() if not holds and promise != late] == []
    assert found.accepted < sum(found.answers.values()) == round(found.offered_per_second * found.seconds)


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the flood: exit code 130, no process, no file."""
    root = copy_desk(tmp_path / "desk")
    interrupt([*TIDEGATE, "experiment", "flood", "--seconds", "20"], root, at="times as much")
    assert not (root / "build").exists()
    commands = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert not any(str(root) in command for command in commands)
