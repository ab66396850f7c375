"""What handlers' annotations say, against what the topology says of them."""

from collections.abc import Iterator

from tidegate.contracts import Contract
from tidegate.dead_letters import DeadLetter
from tidegate.handlers import Handler
from tidegate_ops.checks.application import Application, Finding


def check_handlers(application: Application) -> Iterator[Finding]:
    """Handlers that cannot be loaded, that consume or emit something else, or that only claim to be pure."""
    for name, reason in application.broken.items():
        problem, _, fix = reason.rpartition(": ")
        yield Finding(f"functions/{name}/main.py", problem, fix)
    for name, handler in application.handlers.items():
        yield from _consumed(application, name, handler)
        yield from _emitted(application, name, handler)
        yield from _idempotency(application, name, handler)
        if handler.pure and application.topology.functions[name].dependencies:
            yield Finding(
                application.at("functions", name, "dependencies"),
                "its handler is declared pure, which excludes calls to the outside",
                "remove the dependencies here, or pure=True in its main.py",
            )


def _consumed(application: Application, name: str, handler: Handler) -> Iterator[Finding]:
    topic = application.topology.functions[name].topic
    if topic == application.topology.dead_letter_topic:
        if handler.contract is not DeadLetter:
            yield Finding(
                f"functions/{name}/main.py",
                f"takes {handler.contract.__name__}, but its topic {topic} carries dead letters",
                "annotate the first parameter with tidegate.dead_letters.DeadLetter",
            )
    elif not issubclass(handler.contract, Contract):
        yield Finding(
            f"functions/{name}/main.py",
            f"takes dead letters, but its topic is {topic}",
            f"annotate the first parameter with the contract of {topic}, or let it consume the dead-letter topic",
        )
    elif handler.contract.event_type != topic:
        yield Finding(
            f"functions/{name}/main.py",
            f"takes {handler.contract.label()}, but its topic is {topic}",
            f"annotate the first parameter with the contract of {topic}, "
            f"or write `topic: {handler.contract.event_type}` for functions.{name} in infra/topology.yaml",
        )


def _emitted(application: Application, name: str, handler: Handler) -> Iterator[Finding]:
    declared = application.topology.functions[name].emits
    returned = {contract.event_type: contract.__name__ for contract in handler.emits}
    for topic, contract in returned.items():
        if topic not in declared:
            yield Finding(
                application.at("functions", name, "emits"),
                f"its handler returns {contract}, but {topic} is not among its emits",
                f"add {topic} to emits, or take {contract} out of the handler's return annotation",
            )
    for index, topic in enumerate(declared):
        if topic not in returned:
            yield Finding(
                application.at("functions", name, "emits", index),
                f"its handler's return annotation names no contract of {topic}",
                "remove the topic here, or add its contract to the annotation",
            )


def _idempotency(application: Application, name: str, handler: Handler) -> Iterator[Finding]:
    key = application.topology.functions[name].idempotency
    if not key.startswith("data.") or not issubclass(handler.contract, Contract):
        return
    field = key.split(".")[1]
    fields = handler.contract.model_fields
    if field not in {known.alias or plain for plain, known in fields.items()}:
        yield Finding(
            application.at("functions", name, "idempotency"),
            f"{handler.contract.label()} has no field {field}",
            f"name one of {', '.join(fields)}, or leave the line out to use the event's id",
        )
