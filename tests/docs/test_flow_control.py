"""The page on pushing back says what the topology's models say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel
from ruamel.yaml import YAML

from tests.docs.markdown import Page
from tidegate.adapters.firestore_lanes import LANES
from tidegate.adapters.grouped_publisher import OUTSTANDING_BYTES, OUTSTANDING_MESSAGES
from tidegate.breakers import Phase
from tidegate.classes import Classes
from tidegate.dependency_limits import Breaker, Dependency
from tidegate.key_limits import PerKey
from tidegate.messages import CLASS
from tidegate.outbox import MAX_DATA_BYTES
from tidegate.shared_breakers import KNOWN_FOR
from tidegate.signs import OVERLOADED
from tidegate.topology import HttpFunction, Limits, Topic
from tidegate_ops.checks.key_limits import IN_A_ROW
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
PAGE = Page.read(PROJECT.root / "docs" / "flow-control.md")


def settings(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each setting that has a default, with it; those of settings within settings too."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from settings(value, f"{prefix}{name}.")
        elif not field.is_required():
            yield f"{prefix}{name}", "null" if value is None else f"{value:g}"


def test_every_setting_is_listed_with_its_default() -> None:
    """None is missing, and none is out of date."""
    listed = {row[0].strip("`"): row[1] for row in PAGE.section("Settings").rows("setting")}
    assert listed == dict(settings(Dependency(url="https://api.test")))


def test_the_states_are_those_of_the_breaker() -> None:
    """Each state has a row, and leads to a state."""
    rows = PAGE.section("The breaker").rows("state")
    assert {row[0] for row in rows} == set(Phase)
    assert {row[2].partition(",")[0] for row in rows} == set(Phase)


def test_the_settings_of_the_front_door_are_off_by_default() -> None:
    """Each is listed, and exists."""
    rows = PAGE.section("The front door").rows("setting")
    models: dict[str, type[BaseModel]] = {"topics": Topic, "http_functions": HttpFunction}
    for name, default, *_ in rows:
        kind, _, setting = name.strip("`").split(".")
        field = models[kind].model_fields[setting]
        assert (field.default, default) == (None, "null")
    assert len(rows) == 3


def test_the_numbers_of_the_front_door_are_those_of_the_code() -> None:
    """Seconds, clients, bytes and messages; on this page and on that of the HTTP interface."""
    page = PAGE.section("The front door").text
    interface = Page.read(PROJECT.root / "docs" / "http-api.md").section("Limits").text
    gateway = PROJECT.load_http_handler("gateway").call.__globals__["application"].__globals__
    backlogs = gateway["Reception"].__init__.__globals__["Backlogs"].accept.__globals__
    bodies = gateway["EventRoutes"].__init__.__globals__["Bodies"].read.__wrapped__.__globals__
    assert f"`Retry-After: {backlogs['RETRY_SECONDS']}`" in page
    assert f"longer than {backlogs['COUNT_SECONDS']:g} seconds" in page
    assert f"{gateway['Allowances'].take.__globals__['MAX_CLIENTS']:,} clients" in page
    assert f"bodies to {bodies['HELD_BYTES'] // 1_000_000} MB" in page
    assert f"{OUTSTANDING_MESSAGES:,} messages\nand {OUTSTANDING_BYTES // 1_000_000} MB" in page
    assert f"{MAX_DATA_BYTES:,} bytes" in interface
    assert f"within {bodies['READ_SECONDS']} seconds" in interface
    assert f"{bodies['HELD_BYTES']:,} bytes" in interface


def test_the_numbers_are_those_of_the_code() -> None:
    """Statuses, the age of what is known, and how long Pub/Sub's backstop lasts at a delivery for each opening."""
    assert f"HTTP {', '.join(map(str, OVERLOADED))}, and from 500 on" in PAGE.text
    assert f"at most every {KNOWN_FOR.total_seconds():g} s" in PAGE.text
    deliveries = Limits().max_deliveries
    assert f"backstop of {deliveries} deliveries" in PAGE.text
    assert f"after about {outage(Breaker(), deliveries) / 3600:.0f} hours of outage" in PAGE.text
    longer = Breaker(longest_cool_down_seconds=3600)
    assert f"`longest_cool_down_seconds: 3600` after about {outage(longer, deliveries) / 86400:.0f} days" in PAGE.text


def outage(breaker: Breaker, openings: int) -> float:
    """How many seconds a service is away until its breaker has opened so often."""
    doubled = (breaker.cool_down_seconds * 2.0**number for number in range(openings))
    return sum(min(each, breaker.longest_cool_down_seconds) for each in doubled)


def test_limits_per_key_are_as_described() -> None:
    """Each mode has its example, which is one that the topology takes, and the bound that follows from it."""
    rows = PAGE.section("Limits per key").rows("one of")
    modes = [YAML(typ="safe").load(row[0].strip("`")) for row in rows]
    limits = [PerKey.model_validate({"key": "ordering_key", **mode}) for mode in modes]
    assert {name for each in limits for name in each.model_dump(exclude_none=True)} == set(PerKey.model_fields)
    [bursting] = [each.throttle for each in limits if each.throttle and each.throttle.burst > 1]
    assert f"{bursting.burst} at once, so up to {bursting.runs + bursting.burst - 1} in one period" in PAGE.text
    assert f"{bursting.interval_seconds:g} s apart" in PAGE.text
    assert f"`{LANES}/{{function}}." in PAGE.text
    assert IN_A_ROW == 10  # "ten turns of a key"


def test_shedding_is_as_described() -> None:
    """The lowest class after so long, each higher one after as much more, the first never."""
    [example] = PAGE.section("Shedding").fences("yaml")
    topology = YAML(typ="safe").load(example.text)
    classes, seconds = Classes(ranked=topology["classes"]), topology["functions"]["write_report"]["overload_seconds"]
    patience = [classes.patience(name, seconds) for name in reversed(classes.ranked)]
    assert patience == [timedelta(seconds=seconds), timedelta(seconds=2 * seconds), None]
    rows = PAGE.section("Shedding").rows("class")
    assert [row[0] for row in rows] == ["the lowest", "the next one up", "the first"]
    assert f"`{CLASS}`" in PAGE.text
