"""The local stack itself: quick to start, true to what is deployed, and gone without a trace."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from google.pubsub_v1.types import PushConfig
from typer.testing import CliRunner

from tests.acceptance.application import Application, firestore, running
from tests.acceptance.delivery_log import eventually
from tests.acceptance.projects import copy_canal, copy_desk
from tests.acceptance.witness import Witness
from tests.docs.markdown import Page
from tidegate_ops.broker import LocalBroker
from tidegate_ops.cli import app
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

READY_SECONDS = 15
PATIENCE_SECONDS = 120
REQUEST_SECONDS = 30
RUNBOOK = Page.read(Path(__file__).parents[2] / "docs" / "operating.md")
TIDEGATE = [sys.executable, "-c", "from tidegate_ops.cli import main; main()"]

pytestmark = pytest.mark.usefixtures("emulators_installed")


@dataclass
class Up:
    """A `tidegate up` in a process of its own."""

    root: Path
    process: "subprocess.Popen[str]"
    output: list[str] = field(default_factory=list)

    @property
    def state(self) -> StackState:
        state = StackState.read(Project(self.root))
        assert state is not None
        return state

    def read(self) -> None:
        """Collect its output until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)

    def wait_ready(self) -> None:
        eventually(
            lambda: self.process.poll() is not None or any("stop:" in line for line in self.output), PATIENCE_SECONDS
        )
        assert self.process.poll() is None, "".join(self.output)

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def started(folder: Path, copy: Callable[[Path], Path] = copy_desk) -> Iterator[Up]:
    """`tidegate up` on an application in ``folder``, ready."""
    # What Python itself keeps beside its modules is no file of the stack's.
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    (folder / "tmp").mkdir()
    root = copy(folder / "project")
    process = subprocess.Popen(
        [*TIDEGATE, "up"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    up = Up(root, process)
    reader = threading.Thread(target=up.read, daemon=True)
    reader.start()
    try:
        up.wait_ready()
        yield up
    finally:
        if process.poll() is None:
            up.interrupt()
        reader.join(10)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack that those share who leave it as it was; the last of them ends it."""
    with started(tmp_path_factory.mktemp("up")) as up:
        yield up


def tidegate(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a terminal that knows nothing of the emulators."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_EMULATOR_HOST")}
    return subprocess.run(
        [*TIDEGATE, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@dataclass
class Operator:
    """Somebody in the stack's project, whose terminal knows nothing of the emulators; runs commands in this process."""

    root: Path
    folder: Path
    environment: dict[str, str | None]

    def publish(self, manifest: str, carrier: str) -> str:
        """Publish a manifest of one flight; returns the event's id."""
        file = self.folder / "manifest.json"
        origin = manifest.partition("-")[0]
        csv = MANIFEST["csv"].replace(",B6,", f",{carrier},").replace(",JFK,", f",{origin},")
        file.write_text(json.dumps({**MANIFEST, "manifest_id": manifest, "origin": origin, "csv": csv}))
        return self.tidegate("publish", "manifest.received", str(file)).strip()

    def tidegate(self, *arguments: str, until: str = "", answer: str = "", code: int = 0) -> str:
        """What a command says, once there is ``until`` in it."""

        def say() -> str:
            with chdir(self.root):
                result = CliRunner().invoke(app, arguments, input=answer, env=self.environment)
            if until and until not in result.stdout:
                return ""
            assert result.exit_code == code, f"{result.output}{result.exception}"
            return result.stdout or "nothing"

        return eventually(say)


@pytest.fixture
def operator(up: Up, tmp_path: Path) -> Operator:
    hosts = ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST")
    return Operator(up.root, tmp_path, dict.fromkeys(hosts))


def test_ready_in_time_with_every_function(tmp_path: Path) -> None:
    """Within 15 seconds, if nothing else is done on the machine, each function answers with its configuration."""
    root = copy_desk(tmp_path)
    before = own_seconds()
    with running(root, {}) as application:
        seconds = own_seconds() - before
        urls = {name: application.url(name) for name in application.stack.state.functions}
        urls |= {name: f"{url}_ready" for name, url in application.stack.urls.items()}
        answers = {name: httpx.get(url, timeout=REQUEST_SECONDS).json() for name, url in urls.items()}
    assert answers == {name: {"function": name, "ready": True} for name in Project(root).topology().deployed}
    assert len(answers) >= 5
    assert seconds <= READY_SECONDS


def test_the_bundle_runs_and_not_the_source(harbour: Application, witness: Witness) -> None:
    """The function's code, its contracts and its runtime are those of its own extracted bundle."""
    event_id = harbour.emit("storm.raised", {"ship": "unsinkable"})
    harbour.log.wait_delivery(function="sink_ship", event_id=event_id, verdict="done")
    [start] = witness.starts(function="sink_ship", event_id=event_id)
    bundle = next(harbour.stack.state.directory.glob("sink-ship-*"))
    assert [Path(each).relative_to(bundle) for each in start["sources"]] == [
        Path("main.py"),
        Path("contracts", "witness.py"),
        Path("tidegate", "__init__.py"),
    ]


def test_publish_from_another_terminal(up: Up, tmp_path: Path) -> None:
    """`tidegate publish` finds the running stack by itself, and the event goes all the way."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST), encoding="utf-8")
    published = tidegate(up.root, "publish", "manifest.received", str(manifest), "--id", "m-1")
    assert (published.returncode, published.stdout.split()) == (0, ["m-1"]), published.stderr
    documents = firestore(up.state.project, up.state.firestore_host)
    found = eventually(lambda: documents.document("airport_hours/JFK-20130208T06").get().to_dict())
    assert (found["flights"], found["on_time"]) == (1, 1)
    eventually(lambda: any("split_manifest" in line and "m-1" in line for line in up.output))


def test_what_it_does_is_seen_from_another_terminal(up: Up, operator: Operator) -> None:
    """All that an event causes, as lines, as a tree and in numbers."""
    event_id = operator.publish("LGA-20130208T06", "B6")
    lines = operator.tidegate("logs", "--event", event_id, "--json", until="done").splitlines()
    assert {(each["component"], each["fields"]["verdict"]) for each in map(json.loads, lines)} == {
        ("split_manifest", "done")
    }
    chapters = [
        json.loads(line) for line in operator.tidegate("trace", event_id, "--json", until="track_hour").splitlines()
    ]
    assert [each["function"] for each in chapters[:2]] == ["split_manifest", "assess_flight"]
    assert chapters[1]["parent"] == f"split_manifest/{event_id}"
    # What a busy emulator did not answer in time, it answers the next time.
    status = eventually(lambda: _untroubled(json.loads(operator.tidegate("status", "--json"))))
    assert status["functions"]["split_manifest"]["verdicts"]["done"] >= 1
    assert status["functions"]["split_manifest"]["duration_seconds"]["p95"] > 0
    assert status["functions"]["split_manifest"]["backlog"] == 0
    assert status["topics"]["flight.reported"]["published_per_second"] > 0
    assert status["breakers"] == {"rebooking-api": "closed"}


def test_a_poison_message_takes_three_commands(up: Up, operator: Operator) -> None:
    """Those of docs/operating.md: it is found, understood, mended and redriven."""
    poisonous = operator.publish("EWR-20130208T07", "ZZ")
    find, understand, redrive = RUNBOOK.section("Dead letters").fences("sh")[0].text.splitlines()
    assert "unknown carrier" in operator.tidegate(*find.split()[1:], until="assess_flight")
    assert "carrier is 'ZZ'" in operator.tidegate(*understand.split()[1:])
    operator.environment["EDITOR"] = "sed -i.bak s/ZZ/B6/"
    assert "redriven 1 letter" in operator.tidegate(*redrive.split()[1:], answer="y\n")
    told = operator.tidegate("trace", poisonous, until="track_hour")
    assert "assess_flight  flight.reported" in told
    assert "  done, 1 earlier delivery, " in told


def test_the_doctor_finds_what_has_drifted(up: Up, operator: Operator) -> None:
    """On the emulator as it would on Google Cloud; what it should be is not complained of."""
    assert "12 topics and 12 subscriptions are as the topology has them" in operator.tidegate("doctor")
    with LocalBroker(up.state.pubsub_host, up.state.project) as broker:
        path = broker.subscription_path("edit-note")
        before = broker.subscriber.get_subscription(subscription=path)
        broker.subscriber.modify_push_config(subscription=path, push_config=PushConfig())
        try:
            found = json.loads(operator.tidegate("doctor", "--json", code=1))
        finally:
            broker.subscriber.modify_push_config(subscription=path, push_config=before.push_config)
    [problem] = [each for each in found if each["weight"] == "problem"]
    assert problem["subject"] == "subscription edit-note"
    assert problem["said"] == "pushes nothing, and edit_note is not paused"
    assert problem["remedy"].startswith("tidegate resume edit_note")


def test_a_second_up_refuses(up: Up) -> None:
    """A project has one stack at a time; the refusal says how to stop the other, which goes on unharmed."""
    before = up.state
    second = tidegate(up.root, "up")
    assert second.returncode == 2
    assert f"runs already: stop it with Ctrl-C in its terminal, or with: kill {up.process.pid}" in " ".join(
        second.stderr.split()
    )
    assert up.state == before
    answers = [
        httpx.get(f"http://127.0.0.1:{each.port}/", timeout=REQUEST_SECONDS) for each in before.functions.values()
    ]
    assert not any(each.is_server_error for each in answers)


def test_ctrl_c_leaves_nothing(up: Up) -> None:
    """After Ctrl-C no process that the stack started is left, and no file, not even a temporary one."""
    processes = descendants(up.process.pid)
    assert len(processes) >= len(up.state.functions) * 2 + len(up.state.emulator_pids)
    assert (up.root / "build").exists()
    assert up.interrupt() == 0
    assert sorted(processes & running_processes().keys()) == []
    assert sorted(path.name for path in up.root.iterdir()) == ["functions", "infra"]
    # Contracts are also imported by these tests themselves.
    assert [*up.root.rglob("tidegate.json"), *(up.root / "functions").rglob("__pycache__")] == []
    assert list((up.root.parent / "tmp").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_killed_stack_leaves_no_process_and_the_next_clears_its_files(tmp_path: Path) -> None:
    """Not even SIGKILL leaves processes behind; the files are removed by the stack that starts next."""
    with started(tmp_path, copy_canal) as up:
        state, processes = up.state, descendants(up.process.pid)
        up.process.kill()
        up.process.wait()
    eventually(lambda: not processes & running_processes().keys())
    assert state.directory.exists()
    with running(up.root, {}) as application:
        assert application.stack.state.directory != state.directory
        assert not state.directory.exists()
    assert list((up.root / "build").iterdir()) == []


def _untroubled(status: dict[str, Any]) -> dict[str, Any]:
    """A status in which nothing is unknown; empty otherwise."""
    return {} if status["troubles"] else status


def own_seconds() -> float:
    """The time of a clock that stands still while others work: the machine's, without what they took of its processors.

    It goes on while this process works, or any below it, and while nobody does.
    """
    this, machine = psutil.Process(), psutil.cpu_times()
    worked = sum(sum(each.cpu_times()[:4]) for each in (this, *this.children(recursive=True)))
    return (worked + machine.idle + getattr(machine, "iowait", 0)) / (psutil.cpu_count() or 1)


def running_processes() -> dict[int, int]:
    """Every process and its parent, but for those that have ended and are not yet collected."""
    found = (each.info for each in psutil.process_iter(["pid", "ppid", "status"]))
    return {each["pid"]: each["ppid"] for each in found if each["status"] != psutil.STATUS_ZOMBIE}


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    children = [child for child, parent in running_processes().items() if parent == pid]
    return set(children).union(*(descendants(child) for child in children))


MANIFEST = {
    "manifest_id": "JFK-20130208T06",
    "origin": "JFK",
    "date": "2013-02-08",
    "csv": (
        "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
        "origin,dest,air_time,distance,hour,minute,time_hour\n"
        "2013,2,8,558,600,-2,657,656,1,B6,135,N624JB,JFK,BOS,40,187,6,0,2013-02-08T11:00:00Z\n"
    ),
}
