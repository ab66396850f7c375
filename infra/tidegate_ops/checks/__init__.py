"""`tidegate check`: topology, contracts and handlers held against each other, before anything is deployed."""

from collections.abc import Callable, Iterator
from itertools import chain

from tidegate_ops.checks.application import Application, Finding
from tidegate_ops.checks.classes import check_classes
from tidegate_ops.checks.folders import check_folders
from tidegate_ops.checks.front_door import check_front_door
from tidegate_ops.checks.governor import check_governor
from tidegate_ops.checks.handlers import check_handlers
from tidegate_ops.checks.imports import check_imports
from tidegate_ops.checks.jobs import check_jobs
from tidegate_ops.checks.key_limits import check_key_limits
from tidegate_ops.checks.limits import check_limits
from tidegate_ops.checks.loops import check_loops
from tidegate_ops.checks.schedules import check_schedules
from tidegate_ops.checks.topics import check_topics
from tidegate_ops.project import Project

__all__ = ["Application", "Finding", "check"]

_CHECKS: tuple[Callable[[Application], Iterator[Finding]], ...] = (
    check_folders,
    check_topics,
    check_schedules,
    check_jobs,
    check_governor,
    check_limits,
    check_front_door,
    check_key_limits,
    check_classes,
    check_loops,
    check_handlers,
    check_imports,
)


def check(project: Project) -> list[Finding]:
    """Everything that is inconsistent, all at once; empty when the application may be deployed.

    Raises:
        ConfigurationError: the topology or the contracts cannot even be read.
    """
    application = Application.load(project)
    return list(chain.from_iterable(each(application) for each in _CHECKS))
