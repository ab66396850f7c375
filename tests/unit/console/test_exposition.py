"""Metrics in Prometheus' text format."""

from tidegate_ops.console.exposition import Counter, Gauge, Histogram, rendered


def test_counters_and_gauges() -> None:
    """Each has its help and type, and its samples in order; odd characters are escaped."""
    counter = Counter("calls_total", "Calls,\nby who.", ("who",))
    counter.add("b")
    counter.add('a "\\', by=2.5)
    gauge = Gauge("waiting", "Waiting.", ("who", "why"))
    gauge.set("a", "full", to=0)
    assert rendered([counter, gauge]).splitlines() == [
        r"# HELP calls_total Calls,\nby who.",
        "# TYPE calls_total counter",
        r'calls_total{who="a \"\\"} 2.5',
        'calls_total{who="b"} 1',
        "# HELP waiting Waiting.",
        "# TYPE waiting gauge",
        'waiting{who="a",why="full"} 0',
    ]


def test_histograms() -> None:
    """Buckets count what is at most their bound, the last all of it."""
    histogram = Histogram("seconds", "Time.", ("who",), (0.1, 1))
    for value in (0.1, 0.5, 7):
        histogram.observe("a", value=value)
    histogram.observe("a", value=1, weight=10)
    assert rendered([histogram]).splitlines()[2:] == [
        'seconds_bucket{who="a",le="0.1"} 1',
        'seconds_bucket{who="a",le="1"} 12',
        'seconds_bucket{who="a",le="+Inf"} 13',
        'seconds_sum{who="a"} 17.6',
        'seconds_count{who="a"} 13',
    ]
