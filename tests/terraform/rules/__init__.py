"""What must hold of every plan: values and connections that no provider's schema knows.

Each rule returns its faults. `test_mutations.py` shows that each of them can find one.
"""

from tests.terraform.rules import (
    archives,
    documents,
    functions,
    grants,
    observability,
    resources,
    subscriptions,
    times,
)
from tests.terraform.rules.rule import Rule

__all__ = [
    "RULES",
    "Rule",
    "archives",
    "documents",
    "functions",
    "grants",
    "observability",
    "resources",
    "subscriptions",
    "times",
]

RULES: tuple[Rule, ...] = (
    resources.buckets,
    resources.keys,
    resources.names,
    resources.services,
    functions.capacity,
    functions.deadlines,
    functions.environments,
    functions.networks,
    functions.secrets,
    grants.allowed,
    grants.callers,
    grants.databases,
    grants.governors,
    grants.publishers,
    grants.tasks,
    subscriptions.backlogs,
    subscriptions.backstops,
    subscriptions.deadlines,
    subscriptions.filters,
    subscriptions.lifetimes,
    subscriptions.order,
    subscriptions.pushes,
    subscriptions.retries,
    times.delays,
    times.schedules,
    archives.archives,
    archives.ingestions,
    archives.retention,
    archives.schemas,
    archives.tables,
    observability.alerts,
    observability.dashboards,
    observability.metrics,
    documents.expiry,
    documents.indexes,
    documents.protection,
)
