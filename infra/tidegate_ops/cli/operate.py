"""Commands that look at a project as a whole."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate_ops.connections import find_settings
from tidegate_ops.operations import Operations, open_operations
from tidegate_ops.project import Project

T = TypeVar("T")


def operate(work: Callable[[Operations], Awaitable[T]], project_id: str) -> T:
    """What becomes of ``work`` on the local stack, or on the Google Cloud project that is named.

    Raises:
        ConfigurationError: there is neither, or there are no credentials.
    """
    project = Project.find()

    async def run() -> T:
        async with open_operations(project, find_settings(project, project_id)) as operations:
            return await work(operations)

    return asyncio.run(run())
