"""Cloud Scheduler for local stacks: publishes what the topology's schedules say, when they say it."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from tidegate.clock import Clock, system_clock
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.topology import Schedule
from tidegate_ops.timetable import Timetable

_LOOK_SECONDS = 1.0  # wakes at least so often: the machine may have slept, or its clock been set


class Agenda:
    """Which schedule is due next. What was due before it was made, or again before it was taken, is not made up for."""

    def __init__(self, schedules: Mapping[str, Schedule], now: datetime) -> None:
        """Raises WrongSchedule where one of them cannot be understood."""
        self._timetables = {name: Timetable.of(schedule) for name, schedule in schedules.items()}
        self._due = {name: timetable.after(now) for name, timetable in self._timetables.items()}

    @property
    def next(self) -> datetime | None:
        """When the next one is due; None without schedules."""
        return min(self._due.values(), default=None)

    def take(self, now: datetime) -> list[str]:
        """Those that are due, each once, however long it has been."""
        taken = sorted(name for name, due in self._due.items() if due <= now)
        for name in taken:
            self._due[name] = self._timetables[name].after(now)
        return taken


class Scheduler:
    """Publishes in a thread of its own, from `start` to `close`; a plain message each, as Cloud Scheduler does.

    A time is tried once. ``publish`` and ``on_line`` are called from the thread; the latter, with the schedule's
    name, once for each that was due.
    """

    def __init__(
        self,
        schedules: Mapping[str, Schedule],
        *,
        publish: Callable[[Sequence[Outgoing]], None],
        on_line: Callable[[str], None] = lambda line: None,
        clock: Clock = system_clock,
    ) -> None:
        """Raises WrongSchedule where one of the schedules cannot be understood."""
        self._schedules = schedules
        self._publish = publish
        self._on_line = on_line
        self._clock = clock
        self._agenda = Agenda(schedules, clock())
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Publish nothing any more; returns when nothing is under way."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._pause()):
            for name in self._agenda.take(self._clock()):
                self._fire(name)

    def _pause(self) -> float:
        due = self._agenda.next
        left = (due - self._clock()).total_seconds() if due else _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.0, left))

    def _fire(self, name: str) -> None:
        schedule = self._schedules[name]
        try:
            self._publish([Outgoing(schedule.topic, json.dumps(schedule.data).encode())])
        except PublishFailed as error:
            self._on_line(f"schedule {name} is lost: {error}")
        else:
            self._on_line(f"schedule {name} published a {schedule.topic}")
