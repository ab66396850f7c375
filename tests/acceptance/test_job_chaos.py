"""Jobs while processes are killed, connections cut and messages repeated: each settles once, and never too early."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.cloud.firestore import Client
from typer.testing import CliRunner

from tests.acceptance.application import firestore
from tests.acceptance.chaos import Chaos, breakable
from tests.acceptance.delivery_log import eventually
from tests.acceptance.job_watch import JobWatch, WorkLog
from tests.acceptance.projects import copy_fleet
from tests.acceptance.tcp_proxy import TcpProxy
from tests.acceptance.voyages import Voyage, fleet
from tidegate.client import JobStatus, SyncClient
from tidegate.jobs import ADVANCED, SETTLED, JobState, Progress
from tidegate.messages import REDRIVE, Message
from tidegate_ops.broker import LocalBroker
from tidegate_ops.cli import app
from tidegate_ops.demo.duplicates import Republisher, copy_of, event_id, is_chosen
from tidegate_ops.demo.progress import Patience
from tidegate_ops.demo.progress import Progress as Traffic
from tidegate_ops.demo.world import EmulatorWorld, Witness
from tidegate_ops.local_stack import LocalStack
from tidegate_ops.project import Project
from tidegate_ops.tap import Tap

DUPLICATES = 0.2
SEED = 8
PATIENCE = Patience(stalled_seconds=120, idle_seconds=10)
SECONDS = 300
"""For any one thing to happen, on a machine that has much else to do."""


@dataclass
class Sea:
    """The fleet at work, seen from outside.

    Attributes:
        announced: the job's id → the ids of the events that it owes something.
        told: the ids of the events that a job has settled.
    """

    stack: LocalStack
    proxies: list[TcpProxy]
    client: Client
    quays: Path
    traffic: Traffic
    work: WorkLog
    watch: JobWatch
    announced: dict[str, set[str]] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=dict)

    def documents(self, path: str) -> dict[str, dict[str, Any]]:
        """The documents of a collection."""
        return {each.id: each.to_dict() or {} for each in self.client.collection(*path.split("/")).stream()}

    def times(self, collection: str) -> dict[str, int]:
        """How often each effect of a kind happened."""
        return {name: fields["times"] for name, fields in self.documents(collection).items()}

    def open_letters(self, redrive: int) -> int:
        """How many open dead letters there are of events that were redriven so often."""
        letters = self.documents("dead_letters").values()
        return sum((each["state"], each["redrive"]) == ("open", redrive) for each in letters)

    def allow(self, what: str, voyages: Iterable[Voyage]) -> None:
        """Let the functions go on with these voyages."""
        for each in voyages:
            (self.quays / f"{what}-{each.voyage}").touch()

    def wait_held(self, job: str, voyage: Voyage, failures: Counter[tuple[str, str]]) -> None:
        """Return once all of the job's work has settled but what is held, and this alone has failed."""
        work = voyage.work - len(voyage.compensations)

        def held() -> bool:
            nodes = self.documents(f"jobs/{job}/job_nodes").values()
            found = Progress(*(sum(each.get(name, 0) for each in nodes) for name in ("units", "settled")))
            failed = self.documents(f"jobs/{job}/job_failures").values()
            named = Counter((each["function"], each["fault"]) for each in failed)
            return (found, named) == (Progress(work, work - 2), failures)

        eventually(held, SECONDS)


@contextmanager
def at_sea(folder: Path) -> Iterator[Sea]:
    """The fleet, every fifth of whose messages comes twice; redriven ones as well."""
    project, quays = Project(copy_fleet(folder / "fleet")), folder / "quays"
    quays.mkdir()
    topology = project.topology()
    is_copied = partial(is_chosen, seed=SEED, share=DUPLICATES)
    traffic = Traffic(topology, expected={}, published=0, jobs=(), is_copied=is_copied)
    redriven: set[tuple[str, str]] = set()

    def see(topic: str, message: Message) -> None:
        copied = traffic.saw(topic, message)
        sea.work.note(topic, message)
        note_announcement(sea, topic, message)
        event, number = event_id(message), message.attributes.get(REDRIVE, "")
        if number and (event, number) not in redriven:
            redriven.add((event, number))
            copied = copied or is_copied(topic, f"{event} {number}")
        if copied:
            republisher.add(copy_of(topic, message))

    witness = Witness(see, traffic.delivered, lambda text: None)
    with (
        breakable(project, {"FLEET_DIR": str(quays)}, witness.on_line) as (stack, proxies),
        LocalBroker(stack.state.pubsub_host, stack.state.project) as broker,
    ):
        client = firestore(broker.project, stack.state.firestore_host)
        world = EmulatorWorld(broker, client, stack.urls)
        republisher = Republisher(world.publish, traffic.fail)
        sea = Sea(stack, proxies, client, quays, traffic, WorkLog(topology), JobWatch(client))
        with sea.watch, Tap(broker.host, broker.project, topology.topics, see), republisher:
            yield sea


def note_announcement(sea: Sea, topic: str, message: Message) -> None:
    for announcements, wanted in ((sea.announced, ADVANCED), (sea.told, SETTLED)):
        if topic == wanted:
            job = json.loads(message.data)["job_id"]
            announcements.setdefault(job, set()).add(message.attributes["ce-id"])


def redrive() -> None:
    """Send every open letter back, as an operator does in the project's folder."""
    result = CliRunner().invoke(app, ["dead", "redrive", "--all", "--yes"], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("emulators_installed")
def test_each_job_settles_once_whatever_is_killed_cut_repeated_and_redriven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wide, gathered, delayed, spoilt and mended under way, failed and undone, cancelled: with the right end, and
    not before all its work has ended."""
    voyages = fleet()
    monkeypatch.chdir(tmp_path)
    with at_sea(tmp_path) as sea, SyncClient(sea.stack.urls["gateway"], patience=SECONDS) as gateway:
        monkeypatch.chdir(tmp_path / "fleet")
        with Chaos(sea.stack, sea.proxies, Random(SEED)) as chaos:
            jobs = {
                each.voyage: gateway.submit(
                    topic="voyage.planned",
                    data=each.data,
                    idempotency_key=each.voyage,
                    callback_url="https://fleet.example/settled",
                ).id
                for each in voyages
            }
            eventually(lambda: sea.open_letters(0) == sum(each.letters for each in voyages), SECONDS)
            for each in (each for each in voyages if each.cancelled):
                sea.wait_held(jobs[each.voyage], each, Counter())
                gateway.job(jobs[each.voyage]).cancel()

            held = [each for each in voyages if each.held and not each.cancelled]
            sea.allow("mended", held)
            redrive()
            lost = sum(len(each.lost) * each.announcements for each in voyages)
            eventually(lambda: sea.open_letters(1) == lost, SECONDS)
            for each in held:
                sea.wait_held(jobs[each.voyage], each, each.failures)
            sea.allow("open", held)

            sea.watch.wait_settled(len(voyages), SECONDS)
            assert sea.traffic.wait(lambda: None, PATIENCE), sea.traffic.outstanding()
        messages = sum(each.messages for each in sea.traffic.topics().values())
        print(f"{messages} messages, {chaos.kills} kills, {chaos.cuts} cuts")  # noqa: T201 - shown by pytest -s
        assert chaos.kills > 10
        assert any(sea.quays.glob("died-*")), "no process died as it closed a join"
        assert sea.watch.faults() == []
        assert sea.work.faults(sea.client) == []
        assert_effects(sea, voyages, jobs)
        statuses = {each.voyage: gateway.job(jobs[each.voyage]).status() for each in voyages}
        for each in voyages:
            assert_ended(each, statuses[each.voyage])

        # What is redriven now is done, and no job takes notice.
        sea.allow("found", voyages)
        redrive()
        landings = {crate: each.announcements for each in voyages for crate in each.names}
        eventually(lambda: sea.times("landings") == landings, SECONDS)
        assert sea.traffic.wait(lambda: None, PATIENCE), sea.traffic.outstanding()
        assert {each.voyage: gateway.job(jobs[each.voyage]).status() for each in voyages} == statuses
        assert sea.watch.faults() == []
        assert set(sea.times("told").values()) == {1}


def assert_effects(sea: Sea, voyages: list[Voyage], jobs: Mapping[str, str]) -> None:
    """Every effect happened once: those of handlers, and those of the jobs themselves."""
    assert sea.times("landings") == {crate: times for each in voyages for crate, times in each.landings.items()}
    assert sea.times("weights") == {crate: 1 for each in voyages for crate in each.names}
    assert sea.times("ends") == {each.voyage: 1 for each in voyages if each.gathered}
    assert sea.times("quays") == {each.voyage: 1 for each in voyages if each.held and not each.cancelled}
    undone = {voyage: fields["numbers"] for voyage, fields in sea.documents("undone").items()}
    assert undone == {each.voyage: each.compensations for each in voyages if each.compensations}
    assert sea.documents("told") == {jobs[each.voyage]: {"state": each.state, "times": 1} for each in voyages}
    assert {job: len(events) for job, events in sea.told.items()} == dict.fromkeys(jobs.values(), 1)
    assert {job: len(events) for job, events in sea.announced.items()} == {
        jobs[each.voyage]: each.gathered + len(each.compensations) + 1 for each in voyages
    }


def assert_ended(voyage: Voyage, job: JobStatus) -> None:
    """The job ended as it had to, with all its work."""
    assert job.state is voyage.state
    assert job.progress == Progress(voyage.work, voyage.work)
    assert Counter((each.function, each.fault) for each in job.failures) == voyage.failures
    if not voyage.gathered:
        assert job.result is None
        return
    # What was spoiled when the gathering ended had settled as well: it may be landed by then, or not yet.
    most = sum(voyage.landings.values())
    least = most - len(voyage.spoiled) * voyage.announcements
    assert least <= job.result["landed"] <= most
    assert job.state is JobState.FAILED or job.failures == () or voyage.cancelled
