"""The page on pushing back says what the topology's models say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel
from ruamel.yaml import YAML

from tests.docs.markdown import Page
from tidegate.adapters.firestore_lanes import LANES
from tidegate.breakers import Phase
from tidegate.classes import Classes
from tidegate.dependency_limits import Dependency
from tidegate.key_limits import PerKey
from tidegate.messages import CLASS
from tidegate.shared_breakers import KNOWN_FOR
from tidegate.signs import OVERLOADED
from tidegate.topology import Backoff, Limits
from tidegate_ops.checks.key_limits import IN_A_ROW

PAGE = Page.read(Path(__file__).parents[2] / "docs" / "flow-control.md")


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


def test_the_numbers_are_those_of_the_code() -> None:
    """Statuses, the age of what is known, and how long Pub/Sub's backstop lasts."""
    assert f"HTTP {', '.join(map(str, OVERLOADED))}, and from 500 on" in PAGE.text
    assert f"at most every {KNOWN_FOR.total_seconds():g} s" in PAGE.text
    deliveries, backoff = Limits().max_deliveries, Backoff()
    assert f"up to {backoff.max_seconds:g} s its backstop of {deliveries} deliveries" in PAGE.text
    assert f"about {deliveries * backoff.max_seconds / 60:g} minutes" in PAGE.text
    assert f"{deliveries * 600 // 3600} hours at 600 s" in PAGE.text


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
