"""Classes of events, and functions that shed by them."""

from collections import Counter
from collections.abc import Iterator

from tidegate_ops.checks.application import Application, Finding
from tidegate_ops.topology_faults import suggest


def check_classes(application: Application) -> Iterator[Finding]:
    """Classes that nobody declared, and shedding that has no classes, comes too soon or would tear order."""
    topology = application.topology
    for name, times in Counter(topology.classes).items():
        if times > 1:
            yield Finding(application.at("classes"), f"{name} stands there {times} times", "leave it there once")
    for topic, declared in topology.topics.items():
        if declared.class_ and declared.class_ not in topology.classes:
            yield Finding(
                application.at("topics", topic, "class"),
                f"class {declared.class_} is not declared",
                f"add it to classes, in its rank ({suggest(declared.class_, topology.classes)})",
            )
    for name in topology.functions:
        yield from _shedding(application, name)


def _shedding(application: Application, name: str) -> Iterator[Finding]:
    topology = application.topology
    function = topology.functions[name]
    seconds, debounce = function.overload_seconds, function.limits.per_key and function.limits.per_key.debounce
    if seconds is None:
        return
    where = application.at("functions", name, "overload_seconds")
    if len(topology.classes) < 2:
        yield Finding(
            where,
            "there are no classes below the first, whose events are never shed",
            "declare them at the top, such as `classes: [interactive, bulk]`, or remove the line",
        )
    if function.topic == topology.dead_letter_topic:
        yield Finding(where, "dead letters must not be shed", "remove the line")
    if function.ordered:
        yield Finding(
            where,
            "an ordered function may rely on each event before the one it gets, and one that is shed would be missing",
            "remove the line, or `ordered: true`",
        )
    # What waits for its next delivery, or for the end of a burst, is late without any overload.
    late = function.backoff.max_seconds + (debounce.longest_seconds if debounce else 0)
    if seconds <= late:
        cause = "its backoff and its debounce" if debounce else "its backoff"
        yield Finding(
            where,
            f"{cause} alone may let an event wait for {late:g} s before its first run",
            f"write more than {late:g}, or let the backoff's max_seconds be shorter",
        )
