"""Processes die at the worst moments: every effect happens all the same, and once."""

import csv
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.flights import DayReceived
from tests.acceptance.application import Application, event_attributes, running
from tests.acceptance.delivery_log import Line, eventually
from tests.acceptance.projects import copy_desk
from tests.acceptance.witness import Witness
from tidegate.client import SyncClient
from tidegate.events import child_id
from tidegate_ops.demo.comparison import compare
from tidegate_ops.demo.manifests import COLUMNS, make_days, read_flights, spoil
from tidegate_ops.demo.observation import observe
from tidegate_ops.demo.partner import Partner
from tidegate_ops.demo.submitter import DayJob
from tidegate_ops.demo.truth import Truth
from tidegate_ops.processes import answers

FLIGHTS = 200
MALFORMED = 5
DAY = Path(__file__).parents[2] / "infra" / "tidegate_ops" / "demo" / "data" / "flights-2013-02-08.csv"


@pytest.mark.parametrize("worker", [True, False], ids=["workers", "masters"])
def test_killed_in_the_middle_of_a_run(emulators_installed: None, tmp_path: Path, worker: bool) -> None:
    """With every function killed by SIGKILL while it works, the outcome is the truth to the last counter."""
    day, truth = sample_day(tmp_path)
    # Slow enough that a kill nearly always cuts a booking off: made by the partner, not yet recorded.
    with Partner(latency_ms=150) as partner:
        environment = {"REBOOKING_API_URL": partner.url}
        root = copy_desk(tmp_path / "desk", timeout_seconds=3)
        with running(root, environment) as desk, SyncClient(desk.stack.urls["gateway"]) as client:
            job = client.submit(day)
            for function in ("split_manifest", "assess_flight", "track_hour", "rebook_passengers", "dead_letters"):
                share = max(1, truth.handled[function] // 5)
                desk.log.wait_for(handled_so_far(function, share))
                desk.stack.kill_function(function, worker=worker)
            # A commit may have stood and its log line not, so the end of an event may be told by a duplicate.
            desk.log.wait_for(lambda lines: all(handled_so_far(*each)(lines) for each in truth.handled.items()), 120)
            desk.log.wait_quiet(3)
            eventually(lambda: job.status().settled)
            settled = DayJob(day.date.isoformat(), job.status(), 0, job.id, 0)
            assert compare(truth, observe(desk, partner.log(), [settled]).observed) == []
            again = [each for each in desk.log.deliveries() if each["attempt"] > 1 or each["verdict"] == "duplicate"]
            assert again, "no kill cut anything off: this run proves nothing"


def test_a_duplicate_while_the_first_runs(harbour: Application, witness: Witness) -> None:
    """It is turned away as busy, comes again, and ends as a duplicate: one start, one effect."""
    crate = uuid4().hex
    data, attributes = json.dumps({"crate": crate}).encode(), event_attributes("crate.queued")
    event_id = attributes["ce-id"]
    harbour.publish("crate.queued", data, attributes)
    eventually(lambda: witness.starts(event_id=event_id))

    pushed = harbour.push("weigh_crate", "1", data, attributes)
    assert (pushed.status_code, pushed.json()["verdict"]) == (409, "busy")
    second = harbour.publish("crate.queued", data, attributes)
    harbour.log.wait_delivery(function="weigh_crate", message_id=second, verdict="busy")

    witness.open_scales(crate)
    harbour.log.wait_delivery(function="weigh_crate", event_id=event_id, verdict="done")
    harbour.log.wait_delivery(function="weigh_crate", message_id=second, verdict="duplicate")
    assert harbour.document(f"scales/{crate}") == {"weighed": 1}
    assert len(witness.starts(event_id=event_id)) == 1
    assert len(harbour.log.deliveries(event_id=event_id, verdict="done")) == 1


@pytest.mark.parametrize("moment", ["before publish", "after publish"])
def test_death_around_the_publish(harbour: Application, witness: Witness, moment: str) -> None:
    """What was committed is published by the redelivery, without a second run; each event has one effect."""
    ship, crates = uuid4().hex, 7
    event_id = harbour.emit("ship.docked", {"ship": ship, "crates": crates, "dies": moment})
    # The first delivery died before it could say anything; the record was done by then.
    line = harbour.log.wait_delivery(function="unload_ship", event_id=event_id)
    assert witness.died(ship)
    assert line["verdict"] == "duplicate"
    assert len(witness.starts(event_id=event_id)) == 1

    once = {f"crate-{number}": 1 for number in range(crates)}
    eventually(lambda: harbour.document(f"ships/{ship}") == once)
    if moment == "after publish":
        harbour.log.wait_for(lambda _: len(crate_deliveries(harbour, event_id, crates, "duplicate")) == crates)
    harbour.log.wait_for(lambda _: len(crate_deliveries(harbour, event_id, crates, "done")) == crates)
    assert harbour.document(f"ships/{ship}") == once


def test_death_at_every_attempt(harbour: Application, witness: Witness) -> None:
    """A crash loop ends at the attempts that the topology grants, with a dead letter that says so."""
    event_id = harbour.emit("storm.raised", {"ship": "Titanic"})
    line = harbour.log.wait_delivery(function="sink_ship", event_id=event_id, verdict="dead")
    letter = harbour.wait_letter(line)
    assert [each["attempt"] for each in witness.starts(event_id=event_id)] == [1, 2]
    assert (letter.fault, letter.attempts) == ("crashed", 2)
    assert "attempt 2 of 2 was started and never ended: the process died" in letter.reason
    assert line["reason"] == letter.reason
    assert json.loads(letter.data) == {"ship": "Titanic"}

    after = harbour.emit("storm.raised", {"ship": "unsinkable"})
    harbour.log.wait_delivery(function="sink_ship", event_id=after, verdict="done")


def test_a_push_while_the_function_is_down(harbour: Application) -> None:
    """A backlog that grows while nobody listens is handled soon after the function is back."""
    ship, url = uuid4().hex, harbour.url("count_crate")
    host = url.removeprefix("http://").rstrip("/")
    lines = len(harbour.log)
    harbour.stack.kill_function("count_crate", worker=False)
    eventually(lambda: not answers(host))
    harbour.log.wait_line("count_crate: ended with signal SIGKILL; started again", after=lines)
    crates = ({"ship": ship, "number": number, "dies": ""} for number in range(50))
    sent = harbour.emit_all("crate.unloaded", crates)  # in one request: they are to be there before the function is
    assert not answers(host), "the function was back too soon for this test to say anything"
    harbour.log.wait_for(
        lambda _: all(harbour.log.deliveries(function="count_crate", event_id=each, verdict="done") for each in sent)
    )
    assert harbour.document(f"ships/{ship}") == {f"crate-{number}": 1 for number in range(len(sent))}


def test_order_survives_a_death(harbour: Application, witness: Witness) -> None:
    """An ordering key's events are handled in their order, also when the process dies over one of them."""
    ship, fatal = uuid4().hex, 5
    ids = [
        harbour.emit("log.entered", {"ship": ship, "number": number, "fatal": number == fatal}, key=ship)
        for number in range(12)
    ]
    harbour.log.wait_delivery(function="keep_log", event_id=ids[-1], verdict="done")
    assert harbour.document(f"logs/{ship}") == {"numbers": list(range(len(ids)))}
    assert [each["attempt"] for each in witness.starts(event_id=ids[fatal])] == [1, 2]


def sample_day(folder: Path) -> tuple[DayReceived, Truth]:
    """Some of the day's flights with malformed ones among them, and what must come of them."""
    rng = random.Random(8)
    rows = rng.sample(read_flights(DAY), FLIGHTS)
    path = folder / "flights.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    flights, malformed = spoil(rows, MALFORMED, rng)
    [day] = make_days(flights)
    return day, Truth.of(path, malformed)


def handled_so_far(function: str, count: int) -> Callable[[Sequence[Line]], bool]:
    """Whether a function has brought so many events to their end; a duplicate's end went unheard."""

    def holds(lines: Sequence[Line]) -> bool:
        ended = {
            line["event_id"]
            for line in lines
            if line["function"] == function and line["verdict"] in ("done", "duplicate")
        }
        return len(ended) >= count

    return holds


def crate_deliveries(harbour: Application, event_id: str, crates: int, verdict: str) -> list[Line]:
    """The deliveries of a ship's crates that ended so."""
    ids = [child_id("unload_ship", event_id, number) for number in range(crates)]
    return [each for each in harbour.log.deliveries(function="count_crate", verdict=verdict) if each["event_id"] in ids]
