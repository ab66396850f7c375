"""When a schedule is due: cron expressions and time zones, as Cloud Scheduler understands them."""

import difflib
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from tidegate.errors import ConfigurationError
from tidegate.topology import Schedule

_FIELDS = (
    "minute (0-59)",
    "hour (0-23)",
    "day of the month (1-31)",
    "month (1-12 or JAN-DEC)",
    "weekday (0-7 or SUN-SAT)",
)
# What the documentation of Cloud Scheduler lists; the library knows more: L, LW, #, 5/15, a field for seconds.
_VALUE = r"(\d{1,2}|[A-Za-z]{3})"
_ITEM = rf"((\*|{_VALUE}-{_VALUE})(/\d{{1,2}})?|{_VALUE})"
_FIELD = re.compile(rf"{_ITEM}(,{_ITEM})*")


class WrongSchedule(ConfigurationError):
    """A schedule that Cloud Scheduler would not take.

    Attributes:
        problem: what is wrong, in a clause.
        fix: what to do, as an order.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}; {fix}")
        self.problem = problem
        self.fix = fix


class Timetable:
    """The times of one schedule.

    Where clocks are set forward, a fixed time that is left out (``30 2 * * *``) is due when the gap ends; where they
    are set back, one that comes twice is due the first time only. Expressions with ``*`` as their minute or hour
    follow elapsed time. That is Debian's cron; Cloud Scheduler promises nothing for these hours.
    """

    def __init__(self, cron: str, timezone: str) -> None:
        """Read an expression of five fields and the name of a time zone.

        Raises:
            WrongSchedule: one of them is wrong.
        """
        check_cron(cron)
        self._cron = cron
        self._zone = read_zone(timezone)

    @classmethod
    def of(cls, schedule: Schedule) -> "Timetable":
        return cls(schedule.cron, schedule.timezone)

    def after(self, moment: datetime) -> datetime:
        """The first time later than ``moment`` (both aware; the answer in UTC)."""
        for each in CronSim(self._cron, moment.astimezone(self._zone)):
            # In the hour that comes twice the library may start with its first pass.
            if (found := each.astimezone(UTC)) > moment:
                return found
        raise AssertionError(f"{self._cron} was checked to be due some day")


def check_cron(cron: str) -> None:
    """Hold an expression against what Cloud Scheduler takes.

    Raises:
        WrongSchedule: naming the field that is wrong.
    """
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise WrongSchedule(f"{cron!r} has {len(fields)} fields", 'write five such as "0 6 * * *"')
    for index, (field, name) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = ["*"] * len(fields)
        alone[index] = field
        if not _FIELD.fullmatch(field) or not _possible(alone):
            raise WrongSchedule(
                f"{field!r} is no {name}",
                "write a value, a list such as 1,2, a range such as 1-5, or *; steps such as */2 or 1-9/2 are for the "
                "last two",
            )
    if not _possible(fields):
        raise WrongSchedule(f"{cron!r} is never due", f"write a day that one of its months has, instead of {fields[2]}")


def read_zone(name: str) -> ZoneInfo:
    """The time zone of this name.

    Raises:
        WrongSchedule: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder of names
        close = difflib.get_close_matches(name, available_timezones(), n=1)
        raise WrongSchedule(
            f"{name!r} is no time zone",
            f"did you mean {close[0]}?" if close else "write a name of the tz database such as Europe/Berlin",
        ) from None


def _possible(fields: list[str]) -> bool:
    try:
        next(CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True
