"""When schedules are due, around the changes of daylight saving too."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tidegate_ops.timetable import Timetable, WrongSchedule, check_cron, read_zone

BERLIN = "Europe/Berlin"
SPRING = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # 00:30 in Berlin; at 02:00 clocks are set to 03:00
AUTUMN = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 00:30 in Berlin; at 03:00 clocks are set back to 02:00


def times(cron: str, zone: str, start: datetime, count: int) -> list[str]:
    """The next times, as clocks in that zone show them."""
    timetable, moment, found = Timetable(cron, zone), start, []
    for _ in range(count):
        moment = timetable.after(moment)
        found.append(f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M %z}")
    return found


def test_a_fixed_time_in_the_hour_that_is_left_out_is_due_after_it() -> None:
    """No day is without its run."""
    assert times("30 2 * * *", BERLIN, SPRING, 2) == ["29 03:00 +0200", "30 02:30 +0200"]


def test_a_fixed_time_in_the_hour_that_comes_twice_is_due_once() -> None:
    """No day has two runs."""
    assert times("30 2 * * *", BERLIN, AUTUMN, 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_starting_within_the_second_pass_of_an_hour() -> None:
    """What was due in its first pass is over."""
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert times("30 2 * * *", BERLIN, second_pass, 1) == ["26 02:30 +0100"]


@pytest.mark.parametrize("start", [SPRING, AUTUMN])
def test_every_half_hour_follows_elapsed_time(start: datetime) -> None:
    """However clocks are set, 30 minutes pass from one to the next."""
    timetable, found = Timetable("*/30 * * * *", BERLIN), [start]
    while len(found) < 12:
        found.append(timetable.after(found[-1]))
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(found)} == {1800}


def test_office_hours_stay_office_hours() -> None:
    """A time of day is that of the zone, before and after the change."""
    friday = datetime(2026, 3, 6, tzinfo=UTC)
    expected = ["06 09:00 -0500", "09 09:00 -0400", "10 09:00 -0400"]
    assert times("0 9 * * MON-FRI", "America/New_York", friday, 3) == expected


def test_only_later_times_count() -> None:
    """A time is not after itself."""
    six = datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert Timetable("0 6 * * *", "Etc/UTC").after(six) == datetime(2026, 1, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "cron", ["* * * * *", "0 0-23/6 1,15 JAN-MAR *", "*/5 0 * * 1-5", "0 0 * * 7", "59 23 31 12 SUN"]
)
def test_what_cloud_scheduler_documents(cron: str) -> None:
    """Lists, ranges, steps and names are understood."""
    check_cron(cron)


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 6 * *", "'0 6 * *' has 4 fields"),
        ("0 0 6 * * *", "'0 0 6 * * *' has 6 fields"),
        ("61 * * * *", "'61' is no minute (0-59)"),
        ("* 24 * * *", "'24' is no hour (0-23)"),
        ("0 0 5-1 * *", "'5-1' is no day of the month (1-31)"),
        ("0 0 * FOO *", "'FOO' is no month (1-12 or JAN-DEC)"),
        ("0 0 * * 8", "'8' is no weekday (0-7 or SUN-SAT)"),
        ("*/0 * * * *", "'*/0' is no minute (0-59)"),
        ("0 0 30 2 *", "'0 0 30 2 *' is never due"),
        # The library knows these, Cloud Scheduler does not.
        ("0 0 L * *", "'L' is no day of the month (1-31)"),
        ("0 0 * * MON#1", "'MON#1' is no weekday (0-7 or SUN-SAT)"),
        ("5/15 * * * *", "'5/15' is no minute (0-59)"),
    ],
)
def test_what_is_no_cron_expression(cron: str, problem: str) -> None:
    """The field is named, and what to write instead."""
    with pytest.raises(WrongSchedule) as told:
        check_cron(cron)
    assert told.value.problem == problem
    assert told.value.fix.startswith("write ")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("Europe", "did you mean Europe/Rome?"),
        ("", "write a name of the tz database such as Europe/Berlin"),
        ("/etc/passwd", "write a name of the tz database such as Europe/Berlin"),
    ],
)
def test_what_is_no_time_zone(name: str, fix: str) -> None:
    """The nearest name is suggested."""
    with pytest.raises(WrongSchedule) as told:
        read_zone(name)
    assert told.value.fix == fix
