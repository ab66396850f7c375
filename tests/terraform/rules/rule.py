"""What a rule is, and what rules have in common."""

from collections.abc import Callable, Iterator

from tests.terraform.plan import Plan
from tidegate.jobs import ADVANCED
from tidegate.topology import Topology

Rule = Callable[[Plan, Topology], Iterator[str]]


def differs(what: str, found: object, wanted: object) -> Iterator[str]:
    """A fault, unless what was found is what was wanted."""
    if found != wanted:
        yield f"{what}: {found!r}, not {wanted!r}"


def topics(topology: Topology) -> set[str]:
    """All there are, declared or not."""
    return {*topology.topics, topology.dead_letter_topic}


def files_dead_letters(topology: Topology, name: str) -> bool:
    """Whether it is the function that dead letters end up in."""
    return topology.functions[name].topic == topology.dead_letter_topic


def emits(topology: Topology, name: str) -> set[str]:
    """The topics of the events that a function publishes; two functions publish what others emit."""
    function = topology.functions.get(name)
    if function is None:
        return set()
    for_others = function.topic in (topology.dead_letter_topic, ADVANCED)
    return emitted(topology) if for_others else set(function.emits)


def emitted(topology: Topology) -> set[str]:
    """The topics of all events that functions emit."""
    return {topic for function in topology.functions.values() for topic in function.emits}
