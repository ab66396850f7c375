"""Logs: one line a delivery, as Cloud Logging and Error Reporting read it."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import functions_framework.aio
import pytest

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context
from tidegate.errors import ConfigurationError
from tidegate.log_settings import LogSettings
from tidegate.logs import configure, delivery_line, observer
from tidegate.reports import Report
from tidegate.testing import NOON, World
from tidegate.testing.delivery import TRACE
from tidegate.verdicts import Verdict

REPORT = Report(
    function="pack",
    verdict=Verdict.DONE,
    event_id="event-1",
    event_type="order.placed",
    message_id="m-1",
    attempt=2,
    emitted=3,
    reason="",
    detail="",
    duration_seconds=0.0123456,
    latency_seconds=None,
    ended_at=NOON,
    trace=TRACE,
)
SETTINGS = LogSettings("desk", "pack-service", "pack-00007")
GOOGLE = "logging.googleapis.com"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The stream that logging is configured to write to, for the time of a test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = io.StringIO()
    configure(SETTINGS, lines)
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)


def test_what_was_turned_off_before_logs_again(stream: io.StringIO) -> None:
    """On Google Cloud functions-framework configures logging after it has imported the function."""
    made_at_import = logging.getLogger("orders.made_at_import")
    on = [each for each in map(logging.getLogger, list(logging.root.manager.loggerDict)) if not each.disabled]
    functions_framework.aio._configure_app_execution_id_logging()
    assert made_at_import.disabled
    configure(SETTINGS, stream)
    assert not any(each.disabled for each in on)
    made_at_import.info("packed")
    assert written(stream)[-1]["message"] == "packed"


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def own(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines of the test's logger: what an earlier test left behind may still log as well."""
    return [each for each in written(stream) if each.get("logger") == "orders"]


def test_a_good_delivery() -> None:
    """The line says who, what, how often and how long; what is unknown is left out."""
    assert delivery_line(REPORT, SETTINGS) == {
        "severity": "INFO",
        "message": "done event-1",
        "action": "delivery",
        "time": "2013-02-08T12:00:00.000000Z",
        "function": "pack",
        "verdict": "done",
        "event_id": "event-1",
        "event_type": "order.placed",
        "message_id": "m-1",
        "attempt": 2,
        "emitted": 3,
        "duration_ms": 12.346,
        "weight": 1,
        f"{GOOGLE}/trace": "projects/desk/traces/0af7651916cd43dd8448eb211c80319c",
        f"{GOOGLE}/spanId": "b7ad6b7169203331",
        f"{GOOGLE}/trace_sampled": True,
        f"{GOOGLE}/labels": {"function": "pack", "event_id": "event-1", "attempt": "2"},
    }


def test_a_bad_delivery() -> None:
    """The reason is in the message too, for who reads only that; Error Reporting is told what, where and by whom."""
    report = replace(REPORT, verdict=Verdict.DEAD, reason="no box", fault="error", latency_seconds=1.5, job="j-1")
    line = delivery_line(report, SETTINGS)
    assert (line["severity"], line["message"]) == ("ERROR", "dead event-1: no box")
    assert (line["reason"], line["fault"], line["job"], line["latency_ms"]) == ("no box", "error", "j-1", 1500)
    assert line["@type"].endswith("v1beta1.ReportedErrorEvent")
    assert line["serviceContext"] == {"service": "pack-service", "version": "pack-00007"}
    assert line["context"] == {"reportLocation": {"functionName": "pack"}}
    assert "stack_trace" not in line


def test_a_traceback_is_known_for_one() -> None:
    """Of a long one only the end is kept: it still begins as Error Reporting expects it, with a whole line."""
    cut = 'ib/box.py", line 3, in fold\n    raise ValueError("no box")\nValueError: no box'
    line = delivery_line(replace(REPORT, verdict=Verdict.RETRY, detail=cut), SETTINGS)
    assert line["stack_trace"].splitlines() == [
        "Traceback (most recent call last):",
        '    raise ValueError("no box")',
        "ValueError: no box",
    ]
    assert line["serviceContext"]["service"] == "pack-service"
    assert "@type" not in line
    for first in ("Traceback (most recent call last):", "  + Exception Group Traceback (most recent call last):"):
        whole = f"{first}\n{cut}"
        assert delivery_line(replace(REPORT, detail=whole), SETTINGS)["stack_trace"] == whole


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_severity(verdict: Verdict) -> None:
    """Nothing that a delivery ends in goes unrated."""
    assert delivery_line(replace(REPORT, verdict=verdict), SETTINGS)["severity"] in ("INFO", "WARNING", "ERROR")


def test_each_report_is_one_line() -> None:
    """Line breaks and odd characters inside a reason split nothing."""
    lines = io.StringIO()
    observe = observer(SETTINGS, lines)
    observe(REPORT)
    observe(replace(REPORT, reason="two\nlines \ud800"))
    assert [each["event_id"] for each in written(lines)] == ["event-1"] * 2


def test_what_an_error_quotes_of_the_event_is_not_logged() -> None:
    """Neither in the message nor in the reason nor in the traceback; unless it is asked for."""
    report = replace(
        REPORT,
        verdict=Verdict.DEAD,
        reason="no seat for Anna Karenina",
        detail="Traceback (most recent call last):\nValueError: no seat for Anna Karenina",
        data=b'{"passenger": "Anna Karenina"}',
    )
    line = delivery_line(report, SETTINGS)
    assert (line["reason"], line["message"]) == ("no seat for [data]", "dead event-1: no seat for [data]")
    assert "Karenina" not in json.dumps(line)
    assert delivery_line(report, replace(SETTINGS, shows_data=True))["reason"] == "no seat for Anna Karenina"


def test_a_share_of_the_good_deliveries() -> None:
    """Lines are kept by trace, so that they are found together, and say for how many they stand."""
    lines = io.StringIO()
    observe = observer(replace(SETTINGS, shares={Verdict.DONE: 0.25}), lines)
    traces = [replace(TRACE, trace_id=f"{number:032x}") for number in range(0, 2**64, 2**60)]
    for trace in traces:
        for function in ("pack", "ship"):
            observe(replace(REPORT, trace=trace, function=function))
        observe(replace(REPORT, trace=trace, verdict=Verdict.DEAD))
    kept = written(lines)
    done = [each for each in kept if each["verdict"] == "done"]
    assert (len(done), len(kept) - len(done)) == (8, 16)
    assert len({each[f"{GOOGLE}/trace"] for each in done}) == 4
    assert {each["weight"] for each in done} == {4}
    assert {each["weight"] for each in kept if each["verdict"] == "dead"} == {1}


def test_settings() -> None:
    """They are read from the environment."""
    environment = {
        "GOOGLE_CLOUD_PROJECT": "desk",
        "K_SERVICE": "pack",
        "TIDEGATE_LOG_SHARES": "done=0.1, busy=0",
        "TIDEGATE_LOG_DATA": "1",
    }
    settings = LogSettings.read(environment)
    assert (settings.project, settings.service, settings.shows_data) == ("desk", "pack", True)
    assert [settings.share(each) for each in (Verdict.DONE, Verdict.BUSY, Verdict.DEAD)] == [0.1, 0, 1]


@pytest.mark.parametrize("text", ["dead=0.5", "done", "done=2", "done=few"])
def test_wrong_shares(text: str) -> None:
    """Nobody may leave out failures, and nothing is guessed."""
    with pytest.raises(ConfigurationError, match="TIDEGATE_LOG_SHARES"):
        LogSettings.read({"TIDEGATE_LOG_SHARES": text})


def test_handlers_own_lines(stream: io.StringIO) -> None:
    """What is logged comes out in the same form, with the traceback and without secrets."""
    log = logging.getLogger("orders")
    log.debug("not this")
    log.info("GET %s", "https://box.example/fold?key=abc")
    try:
        raise ValueError("no box")
    except ValueError:
        log.exception("failed")
    asked, failed = own(stream)
    assert asked == {"severity": "INFO", "message": "GET https://box.example/fold?[secret]", "logger": "orders"}
    assert (failed["severity"], failed["stack_trace"].splitlines()[-1]) == ("ERROR", "ValueError: no box")
    assert failed["serviceContext"]["service"] == "pack-service"


@pytest.mark.anyio
@pytest.mark.parametrize("plain", [False, True])
async def test_a_handlers_lines_say_what_they_belong_to(stream: io.StringIO, plain: bool) -> None:
    """Event, function, attempt and span are on each line, on the event loop and in a worker thread."""
    log = logging.getLogger("orders")

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        log.info("packing")
        return OrderPacked()

    def plainly(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        log.info("packing")
        return OrderPacked()

    world = World()
    await world.engine(plainly if plain else pack).deliver(order())
    log.info("afterwards")
    [report] = world.reports
    of_delivery = delivery_line(report, SETTINGS)
    inside, after = own(stream)
    shared = ("function", "event_id", "attempt", *(f"{GOOGLE}/{each}" for each in ("trace", "spanId", "labels")))
    assert {name: inside[name] for name in shared} == {name: of_delivery[name] for name in shared}
    assert "event_id" not in after


@pytest.mark.anyio
async def test_a_handlers_traceback_keeps_the_event_to_itself(stream: io.StringIO) -> None:
    """An exception that a handler logs may quote what it handles as well."""

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        try:
            raise ValueError(f"cannot pack {placed.order_id}")
        except ValueError:
            logging.getLogger("orders").exception("failed")

    await World().engine(pack).deliver(order(order_id="order-of-anna"))
    assert own(stream)[0]["stack_trace"].splitlines()[-1] == "ValueError: cannot pack [data]"
