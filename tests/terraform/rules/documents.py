"""Rules about the database: what is forgotten, what is indexed."""

from collections.abc import Iterator

from tests.terraform.plan import Plan
from tests.terraform.rules.rule import differs
from tidegate.adapters.firestore_lanes import LANES
from tidegate.adapters.job_documents import ACCEPTED_DAY, COMPENSATIONS, FAILURES, JOBS, MARKS, NODES, SETTLED
from tidegate.adapters.record_document import LEDGER
from tidegate.adapters.record_pieces import PIECES
from tidegate.topology import Topology

CALLBACKS = "job_callbacks"
EXPIRING = {LEDGER, PIECES, LANES, JOBS, NODES, FAILURES, COMPENSATIONS, MARKS, CALLBACKS}

# The large ones (outboxes, steps, results, payloads), the busy ones (counters), the ones that grow with time.
UNINDEXED = {*EXPIRING, "payload", "airport_hours", "departures"}
# Of these, what is filtered or ordered by all the same.
INDEXED = {
    (COMPENSATIONS, "registered_at"): "DESCENDING",
    ("airport_hours", "date"): "ASCENDING",
    ("departures", "day"): "ASCENDING",
    ("departures", "origin"): "ASCENDING",
    ("departures", "scheduled_departure"): "DESCENDING",
}
TOGETHER = {
    (NODES, "units", SETTLED),
    (JOBS, "topic", "state", ACCEPTED_DAY),
    ("departures", "origin", "day", "posted_at"),
}


def expiry(plan: Plan, _: Topology) -> Iterator[str]:
    """The runtime's documents are forgotten in time, by a field that is not indexed."""
    found = {
        (each.values["collection"], each.values["field"]): _orders(each.block("index_config"))
        for each in plan.of("firestore_field")
        if each.values["ttl_config"]
    }
    yield from differs("what expires, and its indexes", found, {(each, "expire_at"): [] for each in EXPIRING})


def indexes(plan: Plan, _: Topology) -> Iterator[str]:
    """What queries need is indexed, and nothing else of these collections: every index is paid with every write."""
    fields = {
        (each.values["collection"], each.values["field"]): _orders(each.block("index_config"))
        for each in plan.of("firestore_field")
        if each.values["index_config"] and not each.values["ttl_config"]
    }
    wanted: dict[tuple[str, str], list[str]] = {(each, "*"): [] for each in UNINDEXED}
    wanted |= {field: [order] for field, order in INDEXED.items()}
    yield from differs("indexes", fields, wanted)
    composites = {
        (each.values["collection"], *(field["field_path"] for field in each.values["fields"]))
        for each in plan.of("firestore_index", query_scope="COLLECTION")
    }
    yield from differs("indexes of several fields", composites, TOGETHER)


def protection(plan: Plan, _: Topology) -> Iterator[str]:
    """The database cannot be lost by mistake."""
    kept = {
        "delete_protection_state": "DELETE_PROTECTION_ENABLED",
        "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_ENABLED",
    }
    if not any(plan.of("firestore_database", **kept)):
        yield "the database is not protected"


def _orders(config: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["order"] for each in config.get("indexes") or []]
