"""What the functions say of their deliveries, and how tests wait for it."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from tidegate_ops.log_line import parse

T = TypeVar("T")
Line: TypeAlias = Mapping[str, Any]

_POLL_SECONDS = 0.05
_SHOWN_LINES = 25


class DeliveryLog:
    """Collects the lines of a stack's components from their threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._deliveries: list[Line] = []
        self._changed_at = time.monotonic()

    def note(self, component: str, line: str) -> None:
        """Takes one line; this is a stack's ``on_line``."""
        fields = parse(line)
        with self._changed:
            self._lines.append(f"{component}: {line[:400]}")
            if fields is not None and fields.get("action") == "delivery":
                self._deliveries.append(fields)
                self._changed_at = time.monotonic()
            self._changed.notify_all()

    def deliveries(self, **fields: object) -> list[Line]:
        """The deliveries that ended so far and have these values."""
        with self._changed:
            return _matching(self._deliveries, fields)

    def wait_for(self, condition: Callable[[Sequence[Line]], T], seconds: float = 30) -> T:
        """What ``condition`` returns of all deliveries, once that is true."""
        value: T
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (value := condition(self._deliveries)):
                if not self._changed.wait(max(0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    shown = "\n".join(self._lines[-_SHOWN_LINES:])
                    raise AssertionError(f"not within {seconds:g} s; the last lines were:\n{shown}")
        return value

    def wait_delivery(self, seconds: float = 30, **fields: object) -> Line:
        """The first delivery that has these values, as soon as there is one."""
        return self.wait_for(lambda deliveries: _matching(deliveries, fields), seconds)[0]

    def wait_line(self, text: str, *, after: int = 0, seconds: float = 30) -> None:
        """Return once a component has written a line with ``text``, beyond the first ``after`` lines."""
        self.wait_for(lambda _: any(text in line for line in self._lines[after:]), seconds)

    def wait_quiet(self, quiet_seconds: float, seconds: float = 60) -> None:
        """Return once no delivery has ended for ``quiet_seconds``: what was to come again has come."""
        eventually(lambda: time.monotonic() - self._changed_at >= quiet_seconds, seconds)

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self._lines)


def eventually(look: Callable[[], T], seconds: float = 30) -> T:
    """What ``look`` returns, once that is true; for what cannot be waited for in any other way."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s; the last look gave {value!r}")
        time.sleep(_POLL_SECONDS)
    return value


def _matching(deliveries: Sequence[Line], fields: Mapping[str, object]) -> list[Line]:
    return [each for each in deliveries if all(each.get(name) == value for name, value in fields.items())]
