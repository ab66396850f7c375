"""Limits per key: what they count by, what they may be combined with, and how long they let events wait."""

from collections.abc import Iterator

from tidegate.contracts import Contract
from tidegate.key_limits import ORDERING_KEY, PerKey
from tidegate.topology import Function
from tidegate_ops.checks.application import Application, Finding

IN_A_ROW = 10
"""So many turns of a key have to pass before Pub/Sub gives up on an event that waits for its own."""


def check_key_limits(application: Application) -> Iterator[Finding]:
    """Keys that no event has, limits that could not hold, and waiting that Pub/Sub would cut short."""
    for name, function in application.topology.functions.items():
        limit = function.limits.per_key
        if limit is None:
            continue
        yield from _key(application, name, limit)
        yield from _company(application, name, limit)
        yield from _patience(application, name, limit)


def _key(application: Application, name: str, limit: PerKey) -> Iterator[Finding]:
    handler = application.handlers.get(name)
    if limit.key == ORDERING_KEY or handler is None or not issubclass(handler.contract, Contract):
        return
    field = limit.key.split(".")[1]
    fields = handler.contract.model_fields
    if field not in {known.alias or plain for plain, known in fields.items()}:
        yield Finding(
            _at(application, name, "key"),
            f"{handler.contract.label()} has no field {field}, so no event would be limited",
            f"name one of {', '.join(fields)}, or {ORDERING_KEY}",
        )


def _company(application: Application, name: str, limit: PerKey) -> Iterator[Finding]:
    topology, handler = application.topology, application.handlers.get(name)
    function = topology.functions[name]
    if function.topic == topology.dead_letter_topic:
        yield Finding(_at(application, name), "dead letters must not wait, nor be shed", "remove the limit here")
    if handler is not None and handler.pure:
        yield Finding(
            _at(application, name),
            "its handler is declared pure, so it runs before anything is claimed, a place of its key included",
            "remove the limit here, or pure=True in its main.py",
        )
    if limit.debounce and function.ordered:
        yield Finding(
            _at(application, name, "debounce"),
            "an ordered function gets an event only after the one before it has ended, so none would be superseded",
            "remove the limit, or `ordered: true`",
        )
    if limit.singleton and function.ordered and limit.key == ORDERING_KEY:
        yield Finding(
            _at(application, name, "singleton"),
            "an ordered function works on one event of an ordering key at a time in any case",
            "remove the limit, which would only cost writes",
        )
    if limit.debounce and function.idempotency != "event.id":
        yield Finding(
            _at(application, name, "debounce"),
            f"its idempotency {function.idempotency} makes several events one piece of work, "
            "which would be concluded with the first of them that is superseded",
            "remove the limit, or use the event's id",
        )


def _patience(application: Application, name: str, limit: PerKey) -> Iterator[Finding]:
    topology = application.topology
    function = topology.functions[name]
    patience = patience_seconds(function, topology.limits.max_deliveries)
    if limit.throttle:
        mode, wait, turn = "throttle", IN_A_ROW * limit.throttle.interval_seconds, f"{IN_A_ROW} runs of a key take"
    elif limit.debounce:
        mode, wait, turn = "debounce", limit.debounce.longest_seconds, "a burst may last"
    else:
        lease = function.timeout_seconds + topology.limits.lease_margin_seconds
        mode, wait, turn = "singleton", IN_A_ROW * lease, f"{IN_A_ROW} runs of a key may take"
    if wait >= patience:
        yield Finding(
            _at(application, name, mode),
            f"{turn} {wait:g} s, and with this backoff Pub/Sub gives up on a waiting event after {patience:g} s, "
            f"its {topology.limits.max_deliveries} deliveries",
            "let backoff.max_seconds be longer, or the wait shorter",
        )


def patience_seconds(function: Function, deliveries: int) -> float:
    """How long so many deliveries take if each but the last is nacked at once; backoff doubles from one to the next."""
    shortest, longest = max(0.1, function.backoff.min_seconds), function.backoff.max_seconds
    return sum(min(longest, shortest * 2.0 ** min(number, 30)) for number in range(deliveries - 1))


def _at(application: Application, name: str, *below: str) -> str:
    return application.at("functions", name, "limits", "per_key", *below)
