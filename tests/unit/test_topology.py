"""The topology: one function's slice of it, and limits that must hold."""

from typing import Any

import pytest
from pydantic import ValidationError

from tidegate.function_config import Access, FunctionConfig, HttpFunctionConfig, deployed_name
from tidegate.topology import Topology

DESK: dict[str, Any] = {
    "application": "parcel-desk",
    "topics": {"order.placed": {}, "order.packed": {}, "dead.letters": {}},
    "functions": {
        "pack_order": {
            "topic": "order.placed",
            "emits": ["order.packed"],
            "timeout_seconds": 30,
            "attempts": 4,
            "concurrency": 2,
            "idempotency": "data.order_id",
            "dependencies": ["scales", "printer"],
        },
        "ship": {"topic": "order.packed"},
        "dead_letters": {"topic": "dead.letters", "attempts": None},
    },
    "dependencies": {
        "scales": {"url": "https://scales.test"},
        "printer": {"url": "http://printer.test"},
        "unused": {"url": "https://unused.test"},
    },
}


def desk(*path: str, value: Any = None) -> dict[str, Any]:
    """The desk with one setting changed."""
    if not path:
        return DESK
    changed: dict[str, Any] = {**DESK}
    place = changed
    for name in path[:-1]:
        place[name] = dict(place.get(name, {}))
        place = place[name]
    place[path[-1]] = value
    return changed


def test_a_functions_own_slice() -> None:
    """Its limits, its lease, and the dependencies that it names; nothing of the others."""
    config = Topology.model_validate(DESK).config("pack_order")
    assert (config.function, config.topic, config.emits) == ("pack_order", "order.placed", ("order.packed",))
    assert (config.timeout_seconds, config.lease_seconds) == (30, 45)
    assert (config.attempts, config.concurrency, config.idempotency) == (4, 2, "data.order_id")
    assert list(config.dependencies) == ["printer", "scales"]
    assert (config.dead_letter_topic, config.files_dead_letters) == ("dead.letters", False)
    assert config.idempotency_of == {}
    assert FunctionConfig.model_validate_json(config.model_dump_json()) == config


def test_the_dead_letter_functions_slice() -> None:
    """It knows by which field the others tell their events apart, to find their records."""
    config = Topology.model_validate(DESK).config("dead_letters")
    assert config.files_dead_letters
    assert (config.attempts, config.idempotency_of) == (None, {"pack_order": "data.order_id"})


def test_the_governor_knows_what_may_be_cut_off() -> None:
    """Each function that has dependencies, with those of them that have a breaker; nobody else needs to know."""
    functions = {
        "weigh": {"topic": "order.placed", "dependencies": ["scales", "lamp"]},
        "light": {"topic": "order.placed", "dependencies": ["lamp"]},
        "count": {"topic": "order.placed"},
        "governor": {"topic": "governor.woken"},
    }
    dependencies = {"scales": {"url": "http://scales.test"}, "lamp": {"url": "http://lamp.test", "breaker": None}}
    topics = {"order.placed": {}, "governor.woken": {}}
    topology = Topology.model_validate(
        {"application": "desk", "topics": topics, "functions": functions, "dependencies": dependencies}
    )
    assert topology.config("governor").governs == {"weigh": ("scales",), "light": ()}
    assert topology.config("weigh").governs == {}


def test_unknown_functions_have_no_slice() -> None:
    """A name that the topology does not know is a KeyError."""
    with pytest.raises(KeyError, match="unpack"):
        Topology.model_validate(DESK).config("unpack")


def test_an_http_functions_own_slice() -> None:
    """What it accepts with who handles that, who may call it, and its limits."""
    gateway = {"accepts": ["order.placed"], "access": "api_keys", "timeout_seconds": 20, "concurrency": 8}
    topology = Topology.model_validate(desk("http_functions", "gateway", value=gateway))
    config = topology.http_config("gateway")
    assert (config.function, config.accepts, config.access) == ("gateway", ("order.placed",), Access.API_KEYS)
    assert (config.timeout_seconds, config.concurrency, config.ledger_days) == (20, 8, 45)
    assert config.subscribers == {"order.placed": ("pack_order",)}
    assert HttpFunctionConfig.model_validate_json(config.model_dump_json()) == config


def test_the_limits_of_the_front_door_reach_it() -> None:
    """Its own rate, and the bounds of those topics that it accepts."""
    topics = {**DESK["topics"], "order.placed": {"max_unsettled_jobs": 100}, "order.packed": {"max_unsettled_jobs": 5}}
    gateway = {"accepts": ["order.placed"], "rate_per_second": 0.5, "burst": 20}
    config = Topology.model_validate(DESK | {"topics": topics, "http_functions": {"gateway": gateway}}).slice("gateway")
    assert isinstance(config, HttpFunctionConfig)
    assert (config.rate_per_second, config.burst, config.retention_days) == (0.5, 20, 7)
    assert config.max_unsettled_jobs == {"order.placed": 100}
    assert HttpFunctionConfig.model_validate_json(config.model_dump_json()) == config


def test_the_front_door_is_open_by_default() -> None:
    """No rate, no bound."""
    config = Topology.model_validate(desk("http_functions", "gateway", value={"accepts": ["order.placed"]}))
    gateway = config.http_config("gateway")
    assert (gateway.rate_per_second, gateway.burst, gateway.max_unsettled_jobs) == (None, None, {})


def test_functions_of_both_kinds_are_deployed() -> None:
    """Each with the slice of its kind."""
    topology = Topology.model_validate(desk("http_functions", "board", value={}))
    assert topology.deployed == ("pack_order", "ship", "dead_letters", "board")
    assert topology.slice("ship") == topology.config("ship")
    assert topology.slice("board") == topology.http_config("board")
    with pytest.raises(KeyError, match="unpack"):
        topology.slice("unpack")


def test_one_name_is_one_function() -> None:
    """A name stands for a folder and a service: the two kinds share no name."""
    with pytest.raises(ValidationError, match="ship stands under functions and under http_functions"):
        Topology.model_validate(desk("http_functions", "ship", value={}))


@pytest.mark.parametrize(("timeout", "deadline"), [(30, 45), (0.5, 16), (30.2, 46), (540, 555)])
def test_the_ack_deadline_covers_the_lease(timeout: float, deadline: int) -> None:
    """Pub/Sub waits at least as long as a lease lasts, in whole seconds."""
    topology = Topology.model_validate(desk("functions", "pack_order", "timeout_seconds", value=timeout))
    assert topology.ack_deadline_seconds("pack_order") == deadline


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("functions", "pack_order", "timeout_seconds"), 541),
        (("functions", "pack_order", "attempts"), 0),
        (("functions", "pack_order", "concurrency"), 0),
        (("functions", "pack_order", "idempotency"), "order_id"),
        (("functions", "pack_order", "retries"), 3),
        (("functions", "pack_order", "backoff"), {"min_seconds": 10, "max_seconds": 1}),
        (("functions", "Pack"), {"topic": "order.placed"}),
        (("http_functions",), {"gateway": {"access": "anybody"}}),
        (("http_functions",), {"gateway": {"topic": "order.placed"}}),
        (("http_functions",), {"gateway": {"timeout_seconds": 3601}}),
        (("http_functions",), {"gateway": {"rate_per_second": 0}}),
        (("http_functions",), {"gateway": {"rate_per_second": 1, "burst": 0}}),
        (("http_functions",), {"gateway": {"burst": 5}}),
        (("topics", "ab"), {}),
        (("topics", "order.placed"), {"max_unsettled_jobs": 0}),
        (("dependencies", "scales", "url"), "scales.test"),
        (("dependencies", "scales", "rate_per_second"), 0),
        (("dependencies", "scales", "retries"), {"attempts": 0}),
        (("dependencies", "scales", "retries"), {"first_pause_seconds": 6}),
        (("dependencies", "scales", "breaker"), {"probes": 0}),
        (("dependencies", "scales", "breaker"), {"cool_down_seconds": 60, "longest_cool_down_seconds": 30}),
        (("dependencies", "scales", "breaker"), {"failure_rate": 0.5}),
        (("limits", "ledger_days"), 37),
        (("limits", "lease_margin_seconds"), 0),
        (("limits", "max_deliveries"), 101),
        (("application",), "Parcels"),
        (("colour",), "blue"),
        (("schedules",), {"nightly": {"cron": "0 0 * *", "topic": "order.placed"}}),
    ],
)
def test_what_cannot_be_is_refused(path: tuple[str, ...], value: Any) -> None:
    """Unknown options, wrong names and limits that contradict one another."""
    with pytest.raises(ValidationError) as told:
        Topology.model_validate(desk(*path, value=value))
    assert path[0] in str(told.value)


def test_deployed_names() -> None:
    """Cloud names take no underscore."""
    assert deployed_name("rebook_passengers") == "rebook-passengers"
