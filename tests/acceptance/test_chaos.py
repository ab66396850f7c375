"""A day of flights while processes are killed and connections cut: the outcome equals the truth."""

from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.application import firestore
from tests.acceptance.chaos import Chaos
from tests.acceptance.projects import copy_desk
from tests.acceptance.tcp_proxy import TcpProxy
from tidegate.messages import Message
from tidegate_ops.broker import LocalBroker
from tidegate_ops.cloud_sdk import Jar
from tidegate_ops.demo.duplicates import Republisher, copy_of, is_chosen
from tidegate_ops.demo.manifests import make_manifests, read_flights, spoil
from tidegate_ops.demo.observation import observe
from tidegate_ops.demo.partner import Partner
from tidegate_ops.demo.progress import Patience, Progress
from tidegate_ops.demo.run import SAMPLE, outgoing
from tidegate_ops.demo.truth import Truth, compare
from tidegate_ops.demo.world import EmulatorWorld, Witness
from tidegate_ops.local_stack import LocalStack, Step
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
    manifests = make_manifests(rows)
    truth = Truth.of(SAMPLE, malformed)
    progress = Progress(
        project.topology(),
        expected={**truth.handled, "assess_flight": truth.handled["assess_flight"] + MALFORMED},
        published=len(manifests),
        is_copied=partial(is_chosen, seed=SEED, share=DUPLICATES),
    )

    def see(topic: str, message: Message) -> None:
        if progress.saw(topic, message):
            republisher.add(copy_of(topic, message))

    def aim(step: Step) -> None:
        # The functions start after the emulators: by then the proxies know where those are.
        for jar, proxy in ((Jar.PUBSUB, pubsub), (Jar.FIRESTORE, store)):
            if step.done and step.component == jar.label:
                proxy.target = step.state

    witness = Witness(see, progress.delivered, lambda text: None)
    with Partner(failure_rate=0.05, seed=SEED) as partner, TcpProxy() as pubsub, TcpProxy() as store:
        environment = {
            "REBOOKING_API_URL": partner.url,
            "PUBSUB_EMULATOR_HOST": pubsub.host,
            "FIRESTORE_EMULATOR_HOST": store.host,
        }
        stack = LocalStack(project, environment=environment, on_line=witness.on_line, on_step=aim)
        with stack, LocalBroker(stack.state.pubsub_host, stack.state.project) as broker:
            client = firestore(broker.project, stack.state.firestore_host)
            world = EmulatorWorld(broker, client)
            republisher = Republisher(world.publish, progress.fail)
            with Tap(broker.host, broker.project, project.topology().topics, see), republisher:
                with Chaos(stack, [pubsub, store], Random(SEED)) as chaos:
                    world.publish([outgoing(manifest) for manifest in manifests])
                    settled = progress.wait(lambda: None, PATIENCE)
                differences = compare(truth, observe(world, partner.log()).observed)
    events = sum(count.events for count in progress.topics().values())
    print(f"{events} events, {chaos.kills} kills, {chaos.cuts} connections cut")  # noqa: T201 - shown by pytest -s
    assert settled, progress.outstanding()
    assert differences == []
    assert events > 2_000
    assert chaos.kills > 10
    assert chaos.cuts > 0
