"""Costs: what is free, what the rest costs, and that every unit has a price."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from tests.unit.test_logs import REPORT, SETTINGS
from tidegate.events import child_id
from tidegate.logs import delivery_line
from tidegate_ops.alternatives import KEY_BYTES, STEPS, alternatives
from tidegate_ops.cli import app
from tidegate_ops.costs import LOG_BYTES, RECORD_BYTES, Price, Workload, load_prices, table

PRICES = load_prices()


def price(**fields: object) -> Price:
    """Two dollars for ten."""
    usual: dict[str, object] = {"name": "Things", "unit": "things", "per": 10, "usd": 2, "region": "all"}
    return Price.model_validate({**usual, "source": "https://example.com", "dated": None, **fields})


@pytest.mark.parametrize(
    ("fields", "quantity", "dollars"),
    [
        ({}, 10, 2),
        ({}, 25, 5),
        ({"free_per_month": 20}, 20, 0),
        ({"free_per_month": 20}, 25, 1),
        ({"free_per_day": 1}, 30, 0),
        ({"free_per_day": 1}, 35, 1),
        ({"free_per_day": 1, "free_per_month": 5}, 40, 1),
    ],
)
def test_only_what_is_not_free_is_charged(fields: Mapping[str, object], quantity: float, dollars: float) -> None:
    """Free units of a day count for each day of the month; there is no credit for those that are left."""
    assert price(**fields).of(quantity) == pytest.approx(dollars)


def test_every_unit_has_a_price_and_every_price_a_unit() -> None:
    """Neither is forgotten, since what has no price would cost nothing."""
    used = {name for usage in (Workload(1).usage(), *alternatives(1).values()) for name in usage}
    assert used == PRICES.keys()


def test_the_prices_say_where_they_come_from() -> None:
    """From a public page of Google's, and of when, where that is known."""
    for each in PRICES.values():
        assert each.source.startswith(("https://cloud.google.com/", "https://firebase.google.com/"))
        assert each.dated is None or each.dated > date(2026, 1, 1)


def test_a_delivery_of_each_kind() -> None:
    """Two writes and a push each; a job adds its own operations and two requests, a delay two of Cloud Tasks."""
    usage = Workload(1_000, jobs=0.5, delayed=0.1, schedules=4).usage()
    assert usage["firestore_writes"] == 1_000 * 2 + 500 * 5
    assert usage["run_requests"] == 1_000 + 500 * 2
    assert usage["run_processors"] == pytest.approx(2_000 * 0.02)
    assert usage["pubsub_throughput"] == pytest.approx(2_000_000 / 2**30)
    assert usage["tasks_operations"] == pytest.approx(200)
    assert usage["scheduler_jobs"] == 4


def test_a_month_of_a_million_events() -> None:
    """Most of it is free: what is not are 1.4 million writes, the expiry, and 0.4 GiB."""
    costs = {name: PRICES[name].of(quantity) for name, quantity in Workload(1e6).usage().items()}
    charged = {name: round(cost, 2) for name, cost in costs.items() if cost}
    assert charged == {"firestore_writes": 1.26, "firestore_deletes": 0.10, "firestore_storage": 0.06}


def test_the_table() -> None:
    """A line for each item that is used, the sum of all, and what a million events come to."""
    lines = table([Workload(1e6), Workload(2.5e9), Workload(12)], PRICES).splitlines()
    cells = {row[0]: row[1:] for row in ([each.strip() for each in line.strip("|").split("|")] for line in lines)}
    assert cells["US dollars a month"] == ["1 million events", "2.5 billion events", "12 events"]
    assert cells["Firestore, writes"] == ["1.26", "4,499", "0.00"]
    assert cells["**together**"][0] == "**1.42**"
    assert cells["a million events"][0] == "1.42"
    assert "Cloud Tasks" not in cells
    assert "Cloud Tasks" in table([Workload(1e6, delayed=1)], PRICES)


def test_the_command_takes_sizes() -> None:
    """As many as one likes."""
    printed = CliRunner().invoke(app, ["costs", "--events", "5e7", "--events", "1000", "--jobs", "0.1"]).output
    assert "| 50 million events | 1,000 events |" in printed
    assert "Firestore, reads" in printed


def test_a_line_of_the_log_is_as_long_as_assumed() -> None:
    """With ids and trace as they are, it leaves room for what Cloud Logging adds, and for the request's own line."""
    ids = {"event_id": child_id("pack", "event", 0), "message_id": "1" * 16, "job": "2" * 32}
    line = json.dumps(delivery_line(replace(REPORT, latency_seconds=0.5, **ids), SETTINGS))
    assert LOG_BYTES / 5 < len(line) < LOG_BYTES / 3


@pytest.mark.parametrize(
    "text", ["a: {usd: 1}", "a: {name: n, unit: u, per: 0, usd: 1, region: r, source: https://x, dated: null}"]
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str) -> None:
    """A price that is incomplete, or for nothing."""
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(ValidationError):
        load_prices(tmp_path / "prices.yaml")


def test_alternatives_differ_in_what_they_write_and_in_who_delivers() -> None:
    """All of them take a request for each event; a pure function spares a write, others keep less or nothing."""
    found = alternatives(1_000)
    assert {name: usage.get("firestore_writes", 0) for name, usage in found.items()} == {
        "Tidegate": 2_000,
        "Tidegate, pure": 1_000,
        "by hand, with a key": 1_000,
        "by hand, without": 0,
        "Cloud Tasks": 0,
        "Workflows": 0,
    }
    assert {usage["run_requests"] for usage in found.values()} == {1_000}
    assert found["Cloud Tasks"]["tasks_operations"] == 2_000
    assert "pubsub_throughput" not in found["Cloud Tasks"]
    assert found["Workflows"]["workflows_steps"] == 1_000 * STEPS
    assert found["by hand, with a key"]["firestore_storage"] < found["Tidegate"]["firestore_storage"]
    assert KEY_BYTES < RECORD_BYTES


def test_the_command_compares() -> None:
    """A column for each, for as many events as are named."""
    printed = CliRunner().invoke(app, ["costs", "--beside", "--events", "1e6", "--events", "1e9"]).stdout
    tables = printed.split("| US dollars a month for ")[1:]
    assert [each.partition(" |")[0] for each in tables] == ["1 million events", "1 billion events"]
    for each in tables:
        assert each.splitlines()[0].count(" | ") == len(alternatives(1))


def test_a_comparison_is_of_plain_events() -> None:
    """What the others could not do is refused rather than left out in silence."""
    result = CliRunner().invoke(app, ["costs", "--beside", "--jobs", "1"])
    assert result.exit_code == 2
    assert "plain events" in result.output


def test_pure_functions_spare_a_write() -> None:
    """Each delivery to one of them."""
    assert Workload(1_000, pure=0.5).usage()["firestore_writes"] == 1_500
    dearer, cheaper = (
        CliRunner().invoke(app, ["costs", "--events", "1e9", *pure]).stdout for pure in ((), ("--pure", "1"))
    )
    assert "| Firestore, writes | 1,799 |" in dearer
    assert "| Firestore, writes | 899 |" in cheaper
