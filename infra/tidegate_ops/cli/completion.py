"""What a shell offers behind Tab, as far as it is cheap to know: nothing of it leaves this machine."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tidegate.errors import TidegateError
from tidegate.topology import Topology
from tidegate_ops.project import Project

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient

_SECONDS = 2.0
"""Whoever presses Tab waits."""


def functions(incomplete: str) -> list[str]:
    """The functions of events whose names begin so."""
    topology = _topology()
    return _beginning(incomplete, topology.functions if topology else ())


def deployed(incomplete: str) -> list[str]:
    """The functions of both kinds whose names begin so."""
    topology = _topology()
    return _beginning(incomplete, topology.deployed if topology else ())


def topics(incomplete: str) -> list[str]:
    """The topics whose names begin so."""
    topology = _topology()
    return _beginning(incomplete, topology.topics if topology else ())


def letters(incomplete: str) -> list[str]:
    """The local stack's open dead letters whose ids begin so."""
    try:
        return _beginning(incomplete, asyncio.run(asyncio.wait_for(_letters(Project.find()), _SECONDS)))
    except (TidegateError, TimeoutError):
        return []


async def _letters(project: Project) -> list[str]:
    # Loaded here, since it takes longer than all else behind Tab.
    from tidegate_ops.connections import connect, find_settings

    async with connect(find_settings(project)) as connections:
        return await open_letters(connections.firestore)


async def open_letters(client: "AsyncClient") -> list[str]:
    """The ids of a project's open dead letters."""
    from tidegate_ops.filed_letters import LetterFile, Selection

    return [each.id for each in await LetterFile(client).select(Selection(all=True))]


def _topology() -> Topology | None:
    try:
        return Project.find().topology()
    except TidegateError:
        return None


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [each for each in names if each.startswith(incomplete)]
