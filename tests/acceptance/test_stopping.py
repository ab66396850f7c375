"""SIGTERM, as Cloud Run sends it: what is under way ends in time, or is another instance's at once."""

import os
import signal
import time
from collections.abc import Callable
from uuid import uuid4

import psutil
import pytest

from tests.acceptance.application import Application
from tests.acceptance.delivery_log import eventually
from tests.acceptance.witness import Witness
from tidegate.stopping import GRACE_SECONDS

SIGKILL_SECONDS = 10
"""After SIGTERM, on Cloud Run; here nobody sends it while a test lasts."""
LEASE_SECONDS = 31


def to_master(harbour: Application) -> None:
    """As Cloud Run does: the container's first process is gunicorn's master."""
    harbour.stack.kill_function("weigh_crate", signal.SIGTERM, worker=False)


def to_group(harbour: Application) -> None:
    """As a terminal does; the worker is told by the master once more."""
    os.killpg(harbour.stack.state.functions["weigh_crate"].pid, signal.SIGTERM)


def wait_ended(process: psutil.Process) -> None:
    """Return once a process has ended; its status is for its parent, the stack, to collect."""

    def ended() -> bool:
        try:
            return bool(process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    eventually(ended)


def master(harbour: Application) -> psutil.Process:
    """Who ends last."""
    return psutil.Process(harbour.stack.state.functions["weigh_crate"].pid)


@pytest.mark.parametrize("tell", [to_master, to_group])
def test_a_slow_run_is_another_instances(
    harbour: Application, witness: Witness, tell: Callable[[Application], None]
) -> None:
    """Its claim is released within the grace, the process ends by itself, and the next instance starts it at once."""
    crate, lines = uuid4().hex, len(harbour.log)
    event_id = harbour.emit("crate.queued", {"crate": crate})
    eventually(lambda: witness.starts(event_id=event_id))

    told, ending = time.monotonic(), master(harbour)
    tell(harbour)
    wait_ended(ending)
    assert time.monotonic() - told < SIGKILL_SECONDS
    given_back = harbour.log.wait_delivery(function="weigh_crate", event_id=event_id, verdict="busy")
    assert (given_back["reason"], given_back["attempt"]) == ("this instance is stopping", 0)
    harbour.log.wait_line("weigh_crate: ended with exit status 0; started again", after=lines)

    eventually(lambda: len(witness.starts(event_id=event_id)) == 2)
    assert time.monotonic() - told < LEASE_SECONDS - 5
    witness.open_scales(crate)
    done = harbour.log.wait_delivery(function="weigh_crate", event_id=event_id, verdict="done")
    assert done["attempt"] == 1
    assert harbour.document(f"scales/{crate}") == {"weighed": 1}


def test_a_fast_run_ends_as_ever(harbour: Application, witness: Witness) -> None:
    """It is committed and acked by the instance that was told to stop, which ends as soon as nothing is left to do."""
    crate, lines = uuid4().hex, len(harbour.log)
    event_id = harbour.emit("crate.queued", {"crate": crate})
    eventually(lambda: witness.starts(event_id=event_id))

    told, ending = time.monotonic(), master(harbour)
    to_master(harbour)
    witness.open_scales(crate)
    wait_ended(ending)
    assert time.monotonic() - told < GRACE_SECONDS
    done = harbour.log.wait_delivery(function="weigh_crate", event_id=event_id, verdict="done")
    harbour.log.wait_line("weigh_crate: ended with exit status 0; started again", after=lines)
    assert done["attempt"] == 1
    assert len(witness.starts(event_id=event_id)) == 1
    assert len(harbour.log.deliveries(event_id=event_id)) == 1
