"""What jobs need: everybody they wait for can be named, and what they owe has somebody to publish it."""

from collections.abc import Iterator

from tidegate.jobs import ADVANCED, SETTLED
from tidegate.messages import MAX_ATTRIBUTE_BYTES
from tidegate.places import Place
from tidegate_ops.checks.application import Application, Finding

_TAKERS = {
    ADVANCED: "what follows a gathering, and compensations, would never be published",
    SETTLED: "nobody would be told that a job has settled",
}


def check_jobs(application: Application) -> Iterator[Finding]:
    """Topics with too many subscribers, submissions that nobody handles, and system functions that are missing."""
    yield from _widths(application)
    yield from _submissions(application)
    yield from _takers(application)


def _widths(application: Application) -> Iterator[Finding]:
    for topic in application.topology.topics:
        functions = application.topology.subscribers(topic)
        longest = max(Place("job", "node", 0, len(functions), functions).attributes().values(), key=len)
        if len(longest) > MAX_ATTRIBUTE_BYTES:
            yield Finding(
                application.at("topics", topic),
                f"the names of its {len(functions)} subscribers make an attribute of {len(longest):,} bytes, and "
                f"Pub/Sub takes {MAX_ATTRIBUTE_BYTES:,}: a job could not name whom it waits for",
                "shorten the functions' names, or let one function pass the event on to some of them",
            )


def _submissions(application: Application) -> Iterator[Finding]:
    topology = application.topology
    for name, function in topology.http_functions.items():
        for index, topic in enumerate(function.accepts):
            if topic in topology.topics and not topology.subscribers(topic):
                yield Finding(
                    application.at("http_functions", name, "accepts", index),
                    f"no function consumes {topic}, so every submission would be refused",
                    "add a function with this topic, or remove the topic here",
                )


def _takers(application: Application) -> Iterator[Finding]:
    topology = application.topology
    accepting = [name for name, function in topology.http_functions.items() if function.accepts]
    for topic, otherwise in _TAKERS.items():
        if accepting and not topology.subscribers(topic):
            yield Finding(
                application.at("http_functions", accepting[0], "accepts"),
                f"accepting events makes jobs, and no function consumes {topic}: {otherwise}",
                f"declare the topic {topic} and a function that consumes it",
            )
