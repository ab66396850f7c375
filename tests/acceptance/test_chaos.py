"""A day of flights while processes are killed and connections cut: the outcome equals the truth."""

from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.application import firestore
from tests.acceptance.chaos import Chaos, breakable
from tests.acceptance.job_watch import JobWatch, WorkLog
from tests.acceptance.projects import copy_desk
from tidegate.messages import Message
from tidegate_ops.broker import LocalBroker
from tidegate_ops.demo.comparison import compare
from tidegate_ops.demo.duplicates import Republisher, copy_of, is_chosen
from tidegate_ops.demo.manifests import make_days, read_flights, spoil
from tidegate_ops.demo.observation import observe
from tidegate_ops.demo.partner import Partner
from tidegate_ops.demo.progress import Patience, Progress
from tidegate_ops.demo.run import SAMPLE
from tidegate_ops.demo.submitter import EVENTS_OF_A_JOB, DayJob, Submitter
from tidegate_ops.demo.truth import Truth
from tidegate_ops.demo.world import EmulatorWorld, Witness
from tidegate_ops.project import Project
from tidegate_ops.tap import Tap

DUPLICATES = 0.2
MALFORMED = 12
SEED = 8
# A killed run is an attempt; none of the day's flights may die of being killed too often.
ATTEMPTS = 100
TIMEOUT_SECONDS = 5.0
PATIENCE = Patience(stalled_seconds=120, idle_seconds=10)


@pytest.mark.usefixtures("emulators_installed")
def test_a_day_of_killed_processes_and_cut_connections_equals_the_truth(tmp_path: Path) -> None:
    """Over 2,000 events, every fifth message twice, a kill a second, connections cut: each effect once."""
    project = Project(copy_desk(tmp_path / "desk", timeout_seconds=TIMEOUT_SECONDS, attempts=ATTEMPTS))
    rows, malformed = spoil(read_flights(SAMPLE), MALFORMED, Random(SEED))
    [day] = make_days(rows)
    truth = Truth.of(SAMPLE, malformed)
    jobs: dict[str, DayJob] = {}
    progress = Progress(
        project.topology(),
        expected=truth.ended,
        published=EVENTS_OF_A_JOB,
        jobs=truth.days,
        is_copied=partial(is_chosen, seed=SEED, share=DUPLICATES),
    )
    work = WorkLog(project.topology())

    def see(topic: str, message: Message) -> None:
        work.note(topic, message)
        if progress.saw(topic, message):
            republisher.add(copy_of(topic, message))

    def hear(job: DayJob) -> None:
        jobs[job.day] = job
        progress.told(job.day, job.status)

    witness = Witness(see, progress.delivered, lambda text: None)
    with (
        Partner(failure_rate=0.05, seed=SEED) as partner,
        breakable(project, {"REBOOKING_API_URL": partner.url}, witness.on_line) as (stack, proxies),
        LocalBroker(stack.state.pubsub_host, stack.state.project) as broker,
    ):
        client = firestore(broker.project, stack.state.firestore_host)
        world = EmulatorWorld(broker, client, stack.urls)
        republisher = Republisher(world.publish, progress.fail)
        submitter = Submitter(stack.urls["gateway"], [day], on_news=hear, on_failure=progress.fail)
        with JobWatch(client) as watch, Tap(broker.host, broker.project, project.topology().topics, see), republisher:
            with Chaos(stack, proxies, Random(SEED)) as chaos, submitter:
                settled = progress.wait(lambda: None, PATIENCE)
            if settled:
                watch.wait_settled(1, 30)
            differences = compare(truth, observe(world, partner.log(), jobs.values()).observed)
            faults = [*watch.faults(), *work.faults(client)]
    events = sum(count.events for count in progress.topics().values())
    print(f"{events} events, {chaos.kills} kills, {chaos.cuts} connections cut")  # noqa: T201 - shown by pytest -s
    assert settled, progress.outstanding()
    assert differences == []
    assert faults == []
    assert events > 2_000
    assert chaos.kills > 10
    assert chaos.cuts > 0
