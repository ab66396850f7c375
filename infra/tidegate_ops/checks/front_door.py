"""Limits of the front door: they bound what is submitted, so there must be something that is."""

from collections.abc import Iterator

from tidegate_ops.checks.application import Application, Finding


def check_front_door(application: Application) -> Iterator[Finding]:
    """Limits that limit nothing: whoever wrote them believes to be protected."""
    topology = application.topology
    accepted = {topic for function in topology.http_functions.values() for topic in function.accepts}
    for name, topic in topology.topics.items():
        if topic.max_unsettled_jobs is not None and name not in accepted:
            yield Finding(
                application.at("topics", name, "max_unsettled_jobs"),
                "bounds nothing: no HTTP function accepts this topic",
                "add the topic to the accepts of one, or remove the bound",
            )
    for name, function in topology.http_functions.items():
        if function.rate_per_second is not None and not function.accepts:
            yield Finding(
                application.at("http_functions", name, "rate_per_second"),
                "limits nothing: events that are submitted count, and none is accepted here",
                "name topics under accepts, or remove the rate",
            )
