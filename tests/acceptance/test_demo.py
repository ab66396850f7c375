"""The demo as users run it: exact on every engine, and able to fail."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.acceptance.interrupts import interrupt
from tests.acceptance.projects import copy_desk
from tidegate_ops.demo.outcome import Outcome
from tidegate_ops.demo.run import SAMPLE

RUN_SECONDS = 240
TIDEGATE = [sys.executable, "-c", "from tidegate_ops.cli import main; main()"]


@dataclass(frozen=True)
class Demo:
    """A desk of the test's own, and a day of its own, about half of whose flights are cancelled."""

    root: Path
    day: Path

    def command(self, engine: str, *options: str) -> list[str]:
        return [*TIDEGATE, "demo", f"--engine={engine}", f"--manifest={self.day}", "--malformed=5", *options]

    def run(self, engine: str, *options: str) -> "subprocess.CompletedProcess[str]":
        command = self.command(engine, *options)
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)

    @property
    def report(self) -> Path:
        return self.root / "build" / "run.json"

    @property
    def outcome(self) -> Outcome:
        return Outcome.model_validate_json(self.report.read_bytes())


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """Every eighth flight of the sample."""
    header, *flights = SAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
    day = tmp_path / "day.csv"
    day.write_text("".join([header, *flights[::8]]), encoding="utf-8")
    return Demo(copy_desk(tmp_path / "desk"), day)


@pytest.fixture
def short(demo: Demo) -> Demo:
    """With so few flights that the day is soon over."""
    header, *flights = demo.day.read_text(encoding="utf-8").splitlines(keepends=True)
    demo.day.write_text("".join([header, *flights[::4]]), encoding="utf-8")
    return demo


@pytest.fixture(params=["emulators", "embedded"])
def engine(request: pytest.FixtureRequest) -> str:
    """Every engine in turn, the emulators where they are installed."""
    if request.param == "emulators":
        request.getfixturevalue("emulators_installed")
    return str(request.param)


def test_every_effect_happens_exactly_once(demo: Demo, engine: str) -> None:
    """Though rows are malformed, messages come twice and the partner fails; the report keeps the figures."""
    run = demo.run(engine, "--duplicates=0.3")
    assert run.returncode == 0, run.stderr
    assert "every effect happened exactly once" in run.stdout
    outcome = demo.outcome
    assert (outcome.exact, outcome.differences, outcome.engine) == (True, [], engine)
    assert (outcome.flights, outcome.malformed, outcome.days) == (117, 5, ["2013-02-08"])
    assert len(outcome.dead_letters) == 5
    assert all(function.handled == function.expected for function in outcome.functions.values())
    reported = outcome.topics["flight.reported"]
    assert reported.events == 122
    assert 20 < reported.published_twice < 55
    assert reported.messages >= reported.events + reported.published_twice
    job = outcome.jobs["2013-02-08"]
    assert (job.state, job.failures, job.result["flights"]) == ("failed", 5, 117)
    assert 0 < job.accepted_ms / 1000 < job.settled_seconds <= outcome.processing_seconds
    assert f"accepted in {job.accepted_ms:,.0f} ms, settled after {job.settled_seconds:,.1f} s" in run.stdout
    assert f"accepted as job {job.id} in " in run.stderr
    assert "submitted again: the same job" in run.stderr
    assert outcome.functions["assess_flight"].deliveries["done"] == 117
    assert sum(outcome.functions["assess_flight"].deliveries.values()) >= reported.messages
    assert outcome.partner.bookings == outcome.functions["rebook_passengers"].handled


def test_a_booking_made_twice_is_found(demo: Demo, engine: str) -> None:
    """The checks can fail: against a partner that ignores idempotency keys nothing helps."""
    run = demo.run(engine, "--partner-ignores-idempotency", "--failure-rate=0.3")
    assert run.returncode == 1, run.stderr
    outcome = demo.outcome
    assert not outcome.exact
    assert outcome.differences == outcome.checks["bookings at the partner"]
    assert all("times, expected 1" in line for line in outcome.differences)
    assert outcome.partner.bookings > outcome.functions["rebook_passengers"].handled
    assert f"{len(outcome.differences)} differences from the truth" in run.stderr
    assert outcome.differences[0] in run.stdout


def test_each_day_of_a_file_is_a_job(demo: Demo) -> None:
    """Of its own, which succeeds where nothing has to be given up."""
    header, *flights = demo.day.read_text(encoding="utf-8").splitlines(keepends=True)
    saturday = [flight.replace("2013,2,8,", "2013,2,9,").replace("2013-02-08T", "2013-02-09T") for flight in flights]
    demo.day.write_text("".join([header, *flights[:20], *saturday[:10]]), encoding="utf-8")
    run = demo.run("embedded", "--malformed=0")
    assert run.returncode == 0, run.stderr
    jobs = demo.outcome.jobs
    assert demo.outcome.days == list(jobs) == ["2013-02-08", "2013-02-09"]
    assert [(job.state, job.failures, job.result["flights"]) for job in jobs.values()] == [
        ("succeeded", 0, 20),
        ("succeeded", 0, 10),
    ]
    assert len({job.id for job in jobs.values()}) == 2


def test_the_same_seed_chooses_the_same_faults(short: Demo) -> None:
    """Rows and repeated messages, whatever the order in which things happened."""
    chosen = []
    for _ in range(2):
        assert short.run("embedded", "--seed=7").returncode == 0
        outcome = short.outcome
        chosen.append(
            (
                [(letter.flight, letter.reason) for letter in outcome.dead_letters],
                {name: topic.published_twice for name, topic in outcome.topics.items()},
            )
        )
    assert chosen[0] == chosen[1]


def test_an_interrupt_leaves_nothing_behind(demo: Demo, engine: str) -> None:
    """Ctrl-C in the middle of it: exit code 130, no process, no file, no old figures."""
    demo.report.parent.mkdir()
    demo.report.write_text(json.dumps({"exact": True}), encoding="utf-8")
    interrupt(demo.command(engine), demo.root, at="accepted as job")
    assert not list(demo.report.parent.glob("*"))
    commands = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert not any(str(demo.root) in command for command in commands)


def test_a_file_that_is_no_days_flights_is_refused(demo: Demo) -> None:
    """One line that says where the fault is; nothing is started."""
    demo.day.write_text(demo.day.read_text(encoding="utf-8").replace("EWR", "ewr"), encoding="utf-8")
    run = demo.run("embedded")
    assert run.returncode == 2
    assert "origin is 'ewr': expected three capital letters" in run.stderr
    assert "Traceback" not in run.stderr


def test_missing_emulators_are_named(short: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for, they are an error; otherwise the demo does without them and says so."""
    monkeypatch.setenv("TIDEGATE_SDK_ROOT", str(short.root))
    wanted, automatic = short.run("emulators"), short.run("auto")
    assert (wanted.returncode, automatic.returncode) == (3, 0)
    for run in (wanted, automatic):
        assert "Pub/Sub emulator is missing; install it with: " in run.stderr
    assert short.outcome.engine == "embedded"
