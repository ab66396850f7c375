"""The traffic of the last minutes, from what a running stack tells of itself."""

import math
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.clock import Clock, system_clock
from tidegate.verdicts import Verdict
from tidegate_ops.insight.traffic import FunctionTraffic, Spread, Traffic

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""The buckets of times, in seconds."""

_SLICE_SECONDS = 5
_WINDOW_SECONDS = 300
_RATE_SECONDS = 60


def _buckets() -> list[float]:
    return [0.0] * (len(BOUNDS) + 1)


@dataclass
class _Slice:
    """What happened within a few seconds; ``number`` of them since 1970."""

    number: int
    deliveries: dict[tuple[str, Verdict], float] = field(default_factory=lambda: defaultdict(float))
    published: Counter[str] = field(default_factory=Counter)
    durations: dict[str, list[float]] = field(default_factory=lambda: defaultdict(_buckets))
    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(_buckets))


class TrafficRecorder:
    """Remembers five minutes. Not safe for several threads."""

    def __init__(self, functions: Iterable[str], topics: Iterable[str], *, clock: Clock = system_clock) -> None:
        self._functions = tuple(functions)
        self._topics = tuple(topics)
        self._clock = clock
        self._began = clock().timestamp()
        self._slices: deque[_Slice] = deque(maxlen=_WINDOW_SECONDS // _SLICE_SECONDS)

    def delivered(
        self, function: str, verdict: Verdict, weight: float, *, duration: float | None, latency: float | None
    ) -> None:
        """A line stands for ``weight`` deliveries; of the times, in seconds, None is not counted."""
        now = self._now()
        now.deliveries[function, verdict] += weight
        for seconds, spreads in ((duration, now.durations), (latency, now.latencies)):
            if seconds is not None:
                spreads[function][bisect_left(BOUNDS, seconds)] += weight

    def published(self, topic: str) -> None:
        """A message is on the topic."""
        self._now().published[topic] += 1

    def traffic(self, backlogs: Mapping[str, int]) -> Traffic:
        """The traffic up to now; what waits is known elsewhere."""
        moment = self._clock()
        number = _number(moment.timestamp())
        window = [each for each in self._slices if each.number > number - _WINDOW_SECONDS // _SLICE_SECONDS]
        first = number - _RATE_SECONDS // _SLICE_SECONDS + 1
        recent = [each for each in window if each.number >= first]
        covered = moment.timestamp() - max(first * _SLICE_SECONDS, self._began)
        seconds = max(covered, _SLICE_SECONDS)
        return Traffic(
            as_of=moment,
            window_seconds=_WINDOW_SECONDS,
            rate_seconds=_RATE_SECONDS,
            functions={
                each: FunctionTraffic(
                    per_second=sum(_verdicts(each, recent).values()) / seconds,
                    verdicts=_verdicts(each, window),
                    duration=_spread(piece.durations[each] for piece in window if each in piece.durations),
                    latency=_spread(piece.latencies[each] for piece in window if each in piece.latencies),
                    backlog=backlogs.get(each),
                )
                for each in self._functions
            },
            published={each: sum(piece.published[each] for piece in recent) / seconds for each in self._topics},
        )

    def _now(self) -> _Slice:
        number = _number(self._clock().timestamp())
        if not self._slices or self._slices[-1].number < number:
            self._slices.append(_Slice(number))
        return self._slices[-1]


def _number(seconds: float) -> int:
    return math.floor(seconds / _SLICE_SECONDS)


def _verdicts(function: str, window: Sequence[_Slice]) -> dict[Verdict, float]:
    counts = {each: sum(piece.deliveries.get((function, each), 0.0) for piece in window) for each in Verdict}
    return {verdict: count for verdict, count in counts.items() if count}


def _spread(counted: Iterable[list[float]]) -> Spread:
    return Spread(BOUNDS, tuple(map(sum, zip(_buckets(), *counted, strict=True))))
