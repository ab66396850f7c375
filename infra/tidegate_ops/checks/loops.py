"""Events that lead back to the function that caused them."""

from collections import deque
from collections.abc import Iterator, Mapping

from tidegate_ops.checks.application import Application, Finding


def check_loops(application: Application) -> Iterator[Finding]:
    """Each function on a cycle of topics must say that it means it."""
    functions = application.topology.functions
    followers = {
        name: [other for other, taker in functions.items() if taker.topic in function.emits]
        for name, function in functions.items()
    }
    for name, function in functions.items():
        way = [] if function.recursive else _way_back(name, followers)
        if way:
            yield Finding(
                application.at("functions", name),
                f"its events lead back to itself: {' → '.join(way)}",
                "break the cycle, or write `recursive: true` once something ends it",
            )


def _way_back(start: str, followers: Mapping[str, list[str]]) -> list[str]:
    """The shortest way from ``start`` to itself; empty where there is none."""
    ways = deque([[start]])
    visited: set[str] = set()
    while ways:
        way = ways.popleft()
        for follower in followers[way[-1]]:
            if follower == start:
                return [*way, start]
            if follower not in visited:
                visited.add(follower)
                ways.append([*way, follower])
    return []
