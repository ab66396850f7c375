"""Topics, the contracts they carry, and whoever names them in the topology."""

from collections import Counter
from collections.abc import Iterator

from tidegate_ops.checks.application import Application, Finding
from tidegate_ops.topology_faults import suggest


def check_topics(application: Application) -> Iterator[Finding]:
    """Undeclared topics, topics without a contract, dead letters without a taker, dead letters to submit."""
    yield from _references(application)
    yield from _contracts(application)
    yield from _dead_letters(application)
    yield from _submissions(application)


def _references(application: Application) -> Iterator[Finding]:
    topology = application.topology
    named: list[tuple[tuple[int | str, ...], str]] = []
    for name, function in topology.functions.items():
        named.append((("functions", name, "topic"), function.topic))
        named += [(("functions", name, "emits", index), topic) for index, topic in enumerate(function.emits)]
    for name, http_function in topology.http_functions.items():
        named += [
            (("http_functions", name, "accepts", index), topic) for index, topic in enumerate(http_function.accepts)
        ]
    named += [(("schedules", name, "topic"), schedule.topic) for name, schedule in topology.schedules.items()]
    named.append((("dead_letter_topic",), topology.dead_letter_topic))
    for location, topic in named:
        if topic not in topology.topics:
            yield Finding(
                application.at(*location),
                f"topic {topic} is not declared",
                f"add `{topic}: {{}}` to topics ({suggest(topic, topology.topics)})",
            )


def _contracts(application: Application) -> Iterator[Finding]:
    count = Counter((contract.event_type, contract.event_version) for contract in application.contracts)
    for (kind, version), times in sorted(count.items()):
        if times > 1:
            yield Finding(
                "infra/contracts",
                f"{times} contracts are {kind} v{version}",
                "keep one, and give the other a version or a type of its own",
            )
    for topic in application.topology.topics:
        if topic != application.topology.dead_letter_topic and application.current_contract(topic) is None:
            yield Finding(
                application.at("topics", topic),
                "no contract has this type",
                f'define `class …(Contract, type="{topic}", version=1)` in infra/contracts',
            )


def _dead_letters(application: Application) -> Iterator[Finding]:
    topic = application.topology.dead_letter_topic
    takers = [name for name, function in application.topology.functions.items() if function.topic == topic]
    if len(takers) != 1:
        yield Finding(
            application.at("dead_letter_topic"),
            f"{topic} is consumed by {', '.join(takers) or 'no function'}",
            "let exactly one function consume it, or dead letters are lost or filed twice",
        )


def _submissions(application: Application) -> Iterator[Finding]:
    letters = application.topology.dead_letter_topic
    for name, function in application.topology.http_functions.items():
        for index, topic in enumerate(function.accepts):
            if topic == letters:
                yield Finding(
                    application.at("http_functions", name, "accepts", index),
                    f"{topic} carries dead letters, which only the runtime writes",
                    "remove the topic here",
                )
