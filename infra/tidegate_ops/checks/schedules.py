"""Schedules: what they publish, and when."""

import json
from collections.abc import Callable, Iterator

from tidegate.errors import ContractViolation
from tidegate.topology import Schedule
from tidegate_ops.checks.application import Application, Finding
from tidegate_ops.timetable import WrongSchedule, check_cron, read_zone


def check_schedules(application: Application) -> Iterator[Finding]:
    """Times that Cloud Scheduler does not understand, and data that no handler will."""
    for name, schedule in application.topology.schedules.items():
        yield from _times(application, name, schedule)
        yield from _data(application, name, schedule)


def _times(application: Application, name: str, schedule: Schedule) -> Iterator[Finding]:
    checks: tuple[tuple[str, Callable[[str], object], str], ...] = (
        ("cron", check_cron, schedule.cron),
        ("timezone", read_zone, schedule.timezone),
    )
    for field, check, value in checks:
        try:
            check(value)
        except WrongSchedule as error:
            yield Finding(application.at("schedules", name, field), error.problem, error.fix)


def _data(application: Application, name: str, schedule: Schedule) -> Iterator[Finding]:
    contract = application.current_contract(schedule.topic)
    if contract is None:
        return  # the check of the topics tells
    try:
        contract.parse(json.dumps(schedule.data).encode())
    except ContractViolation as error:
        yield Finding(application.at("schedules", name, "data"), str(error), f"write the fields of {contract.label()}")
