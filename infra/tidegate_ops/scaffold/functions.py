"""A new function: its entry, its folder, what it emits, and a test."""

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError
from tidegate.function_config import FunctionName
from tidegate.topology import Topology
from tidegate_ops.checks import Application, Finding
from tidegate_ops.checks.jobs import check_jobs
from tidegate_ops.checks.limits import check_limits
from tidegate_ops.checks.loops import check_loops
from tidegate_ops.checks.topics import check_topics
from tidegate_ops.project import Project
from tidegate_ops.scaffold.blueprints import REQUIREMENTS, formatted, handler_source, test_source
from tidegate_ops.scaffold.change import Change
from tidegate_ops.scaffold.topics import Drafts, system_topics
from tidegate_ops.topology_faults import suggest
from tidegate_ops.yaml_source import YamlSource


def new_function(
    project: Project,
    name: str,
    *,
    on: str,
    emits: Sequence[str] = (),
    ordered: bool = False,
    dependencies: Sequence[str] = (),
) -> Change:
    """Plan a function, and the topics that it emits where they are new; nothing is written before `Change.apply`.

    Raises:
        ConfigurationError: it cannot be made, or the application would not be consistent with it.
    """
    drafts = Drafts.of(project)
    topology = drafts.topology
    _check_name(project, topology, name)
    consumed = _consumed(drafts, on)
    _check_dependencies(topology, dependencies)
    emits = tuple(dict.fromkeys(emits))
    fresh = [drafts.add(topic, "") for topic in emits if topic not in topology.topics]
    emitted = [_current(drafts.contracts, topic) for topic in emits]
    entry = _entry(on, emits, ordered, dependencies)
    drafts.text.add("functions", name, entry, before=_system_functions(topology))
    _check_application(drafts)

    folder, test = project.functions_dir / name, project.root / "tests" / "functions" / f"test_{name}.py"
    handler = handler_source(name, consumed, emitted, dependencies)
    drafts.created[folder / "main.py"] = formatted(project, folder / "main.py", handler)
    drafts.created[folder / "requirements.txt"] = REQUIREMENTS
    drafts.created[test] = formatted(project, test, test_source(name, consumed, key="key-1" if ordered else ""))
    change = drafts.change(
        [
            *drafts.steps(fresh),
            f"write the handler in functions/{name}/main.py",
            f"try it: pytest {test.relative_to(project.root)}",
        ]
    )
    change.check()
    return change


def _check_name(project: Project, topology: Topology, name: str) -> None:
    try:
        TypeAdapter(FunctionName).validate_python(name)
    except ValidationError:
        raise ConfigurationError(
            f"{name!r} cannot name a function: write lower-case words joined by underscores such as rebook_passengers"
        ) from None
    if keyword.iskeyword(name):
        raise ConfigurationError(f"{name} means something to Python: choose another name")
    if name in topology.deployed:
        raise ConfigurationError(f"the function {name} is there already: nothing was changed")
    if (project.functions_dir / name).exists():
        raise ConfigurationError(f"functions/{name} is there already: remove the folder, or choose another name")


def _consumed(drafts: Drafts, topic: str) -> type[Contract]:
    if topic not in drafts.topology.topics:
        raise ConfigurationError(
            f"there is no topic {topic} ({suggest(topic, drafts.topology.topics)}); "
            f"make it with: tidegate new topic {topic}"
        )
    return _current(drafts.contracts, topic)


def _current(contracts: Sequence[type[Contract]], topic: str) -> type[Contract]:
    versions = [each for each in contracts if each.event_type == topic]
    if not versions:
        raise ConfigurationError(
            f'the topic {topic} has no contract: define `class …(Contract, type="{topic}", version=1)` in '
            "infra/contracts; dead letters alone have none, and one function files them all"
        )
    return max(versions, key=lambda contract: contract.event_version)


def _check_dependencies(topology: Topology, dependencies: Sequence[str]) -> None:
    for each in dependencies:
        if each not in topology.dependencies:
            raise ConfigurationError(
                f"there is no dependency {each} ({suggest(each, topology.dependencies)}); "
                "declare it under dependencies in infra/topology.yaml, with its url"
            )


def _entry(on: str, emits: Sequence[str], ordered: bool, dependencies: Sequence[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"topic": on}
    if emits:
        entry["emits"] = list(emits)
    if ordered:
        entry["ordered"] = True
    if dependencies:
        entry["dependencies"] = list(dict.fromkeys(dependencies))
    return entry


def _system_functions(topology: Topology) -> list[str]:
    return [name for name, function in topology.functions.items() if function.topic in system_topics(topology)]


def _check_application(drafts: Drafts) -> None:
    """Refuse what `tidegate check` would find with the new function and did not find without it."""
    project, contracts = drafts.project, tuple(drafts.contracts)
    before = Application(project, YamlSource.read(project.topology_path), drafts.topology, contracts, {}, {})
    source = drafts.text.source
    after = replace(before, source=source, topology=Topology.model_validate_json(source.json_text()))
    known = {_said(finding) for finding in _findings(before)}
    if new := [_said(finding) for finding in _findings(after) if _said(finding) not in known]:
        raise ConfigurationError("\n".join(["nothing was changed, since `tidegate check` would find:", *new]))


def _findings(application: Application) -> Iterator[Finding]:
    for check in (check_topics, check_jobs, check_limits, check_loops):
        yield from check(application)


def _said(finding: Finding) -> str:
    """A finding without its line, which the new entry moves."""
    return str(replace(finding, where=finding.where.rpartition(": ")[2]))
