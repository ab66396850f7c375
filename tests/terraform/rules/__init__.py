"""What must hold of every plan: values and connections that no provider's schema knows.

Each rule returns its faults. `test_mutations.py` shows that each of them can find one.
"""

from tests.terraform.rules import documents, functions, grants, resources, subscriptions, times
from tests.terraform.rules.rule import Rule

__all__ = ["RULES", "Rule", "documents", "functions", "grants", "resources", "subscriptions", "times"]

RULES: tuple[Rule, ...] = (
    resources.keys,
    resources.names,
    resources.services,
    functions.capacity,
    functions.deadlines,
    functions.environments,
    functions.secrets,
    grants.callers,
    grants.databases,
    grants.governors,
    grants.publishers,
    grants.tasks,
    subscriptions.backstops,
    subscriptions.deadlines,
    subscriptions.filters,
    subscriptions.lifetimes,
    subscriptions.order,
    subscriptions.pushes,
    subscriptions.retries,
    times.delays,
    times.schedules,
    documents.expiry,
    documents.indexes,
    documents.protection,
)
