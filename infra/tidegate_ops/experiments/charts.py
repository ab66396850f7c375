"""Values over time as blocks of text, so that several can be read below one another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 96
_ROWS = 3


def charts(times: Sequence[float], series: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """The lines of all charts, on one axis of time; each is as high as its greatest value, which is named."""
    if not times:
        return
    for name, values in series.items():
        columns = _columns(times, values)
        top = max(columns, default=0.0)
        yield f"{name}: up to {top:,.0f}"
        yield from _rows(columns, top, 1 if set(columns) <= {0.0, 1.0} else _ROWS)
    end = f"{times[-1]:.0f} s"
    yield f"└{'─' * (_COLUMNS - 1)}"
    yield f"0 s{end:>{_COLUMNS - 3}}"


def _columns(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """The greatest value in each column's span of time; one without any is like the one before it."""
    columns: list[list[float]] = [[] for _ in range(_COLUMNS)]
    end = times[-1] or 1.0
    for at, value in zip(times, values, strict=False):
        columns[min(_COLUMNS - 1, int(at / end * _COLUMNS))].append(value)
    return list(_filled(columns))


def _filled(columns: Iterable[Sequence[float]]) -> Iterator[float]:
    last = 0.0
    for values in columns:
        last = max(values, default=last)
        yield last


def _rows(columns: Sequence[float], top: float, rows: int) -> Iterator[str]:
    eighths = [round(value / top * rows * 8) if top else 0 for value in columns]
    for row in reversed(range(rows)):
        yield "".join(_EIGHTHS[max(0, min(8, each - row * 8))] for each in eighths).rstrip()
