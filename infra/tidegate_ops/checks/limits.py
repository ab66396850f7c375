"""Leases, attempts and dependencies of each function."""

from collections.abc import Iterator

from tidegate.function_config import deployed_name
from tidegate.topology import MAX_ACK_DEADLINE_SECONDS
from tidegate_ops.checks.application import Application, Finding
from tidegate_ops.topology_faults import suggest


def check_limits(application: Application) -> Iterator[Finding]:
    """What one function's settings may not be, given those of the whole application."""
    for name in application.topology.functions:
        yield from _lease(application, name)
        yield from _attempts(application, name)
        yield from _dependencies(application, name)
    yield from _subscriptions(application)


def _lease(application: Application, name: str) -> Iterator[Finding]:
    timeout = application.topology.functions[name].timeout_seconds
    margin = application.topology.limits.lease_margin_seconds
    if timeout + margin > MAX_ACK_DEADLINE_SECONDS:
        yield Finding(
            application.at("functions", name, "timeout_seconds"),
            f"timeout {timeout:g} s and lease margin {margin:g} s exceed Pub/Sub's longest ack deadline, "
            f"{MAX_ACK_DEADLINE_SECONDS} s",
            f"write at most {MAX_ACK_DEADLINE_SECONDS - margin:g}",
        )


def _attempts(application: Application, name: str) -> Iterator[Finding]:
    function = application.topology.functions[name]
    if function.attempts is None and function.topic != application.topology.dead_letter_topic:
        yield Finding(
            application.at("functions", name, "attempts"),
            "null would retry a poisonous event until it expires",
            "write a number such as 5; only the function of the dead-letter topic has nobody to give up to",
        )


def _dependencies(application: Application, name: str) -> Iterator[Finding]:
    declared = application.topology.dependencies
    function = application.topology.functions[name]
    for index, dependency in enumerate(function.dependencies):
        if dependency not in declared:
            yield Finding(
                application.at("functions", name, "dependencies", index),
                f"dependency {dependency} is not declared",
                f"add it to dependencies with its url ({suggest(dependency, declared)})",
            )
        elif declared[dependency].timeout_seconds >= function.timeout_seconds:
            # The run would end first, and nobody would learn that it was the dependency which hung.
            yield Finding(
                application.at("functions", name, "dependencies", index),
                f"one use of {dependency} may last {declared[dependency].timeout_seconds:g} s, "
                f"a whole run {function.timeout_seconds:g} s",
                f"give dependencies.{dependency} a timeout_seconds below {function.timeout_seconds:g}, or the run more",
            )


def _subscriptions(application: Application) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name in application.topology.functions:
        other = first.setdefault(deployed_name(name), name)
        if other != name:
            yield Finding(
                application.at("functions", name),
                f"its subscription {deployed_name(name)} is that of {other} too",
                "rename one of the two functions",
            )
