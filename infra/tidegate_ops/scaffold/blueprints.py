"""The text of what is made: contracts, handlers and their tests, in the project's own style."""

import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from tidegate.contracts import Contract
from tidegate_ops.project import Project

REQUIREMENTS = "# Needs nothing beyond the runtime.\n"


def class_name(topic: str) -> str:
    """``notice.written`` → ``NoticeWritten``."""
    return "".join(word.capitalize() for word in topic.replace("-", ".").replace("_", ".").split("."))


def sentence(topic: str) -> str:
    """What is said of a topic as long as nobody says more: ``notice.written`` → ``Notice written.``"""
    return f"{topic.replace('.', ' ').replace('-', ' ').replace('_', ' ').capitalize()}."


def contract_source(topic: str, description: str) -> str:
    """The class of a topic's contract."""
    return f'class {class_name(topic)}(Contract, type="{topic}", version=1):\n    """{_docstring(description)}"""\n'


def module_source(description: str, contract: str) -> str:
    """A module of contracts."""
    return f'"""{_docstring(description)}"""\n\nfrom tidegate.contracts import Contract\n\n\n{contract}'


def handler_source(
    name: str, consumed: type[Contract], emitted: Collection[type[Contract]], dependencies: Collection[str]
) -> str:
    """A main.py that handles every event and makes nothing of it yet."""
    names = " | ".join(each.__name__ for each in emitted)
    uses = "".join(
        f'    async with ctx.dependency("{each}"):\n        pass  # what is called in here is bounded\n'
        for each in dependencies
    )
    gives = "    return []\n" if emitted else ""
    return (
        f'"""What {name} does with {consumed.event_type}."""\n\n'
        f"{_imports([consumed, *emitted])}from tidegate import Context, function\n\n\n"
        f"@function\n"
        f"async def {name}(event: {consumed.__name__}, ctx: Context) -> {f'list[{names}]' if emitted else 'None'}:\n"
        f'    """Say what becomes of one event."""\n{uses}{gives}'
    )


def test_source(name: str, consumed: type[Contract], *, key: str) -> str:
    """A test that delivers one event in the kit's world."""
    ordered = f', key="{key}"' if key else ""
    return (
        f'"""What {name} makes of one event."""\n\n'
        f"{_imports([consumed])}from tidegate.testing import Verdict, World, sample\n\n\n"
        f"async def test_an_event_is_done(world: World) -> None:\n"
        f'    """It is handled at the first attempt, and nothing follows from it yet."""\n'
        f'    delivery = await world.deliver("{name}", sample({consumed.__name__}){ordered})\n'
        f"    assert (delivery.verdict, delivery.emitted) == (Verdict.DONE, [])\n"
    )


def formatted(project: Project, path: Path, source: str) -> str:
    """Python as the project's formatter lays it out; as it is where that is not installed."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"],
        input=source,
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else source


def _imports(contracts: Iterable[type[Contract]]) -> str:
    modules: dict[str, set[str]] = {}
    for each in contracts:
        modules.setdefault(each.__module__, set()).add(each.__name__)
    return "".join(f"from {module} import {', '.join(sorted(names))}\n" for module, names in sorted(modules.items()))


def _docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
