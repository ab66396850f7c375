"""A new topic: its entry, its contract and the contract's schema."""

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from pydantic import TypeAdapter, ValidationError

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError
from tidegate.function_config import TopicName
from tidegate.jobs import ADVANCED, SETTLED
from tidegate.pauses import WOKEN
from tidegate.topology import Topology
from tidegate_ops.project import Project
from tidegate_ops.scaffold.blueprints import class_name, contract_source, formatted, module_source, sentence
from tidegate_ops.scaffold.change import Change
from tidegate_ops.scaffold.topology_text import TopologyText
from tidegate_ops.schemas import load_contracts, schema_of, schema_text

_LONGEST = 100  # characters, so that a line of code holds it


@dataclass
class Drafts:
    """Topics in the making.

    Attributes:
        contracts: those of the project, and those made so far.
        created, edited: files, as `Change` has them.
    """

    project: Project
    topology: Topology
    text: TopologyText
    contracts: list[type[Contract]]
    created: dict[Path, str] = field(default_factory=dict)
    edited: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project) -> "Drafts":
        """Raises ConfigurationError where the project cannot be read."""
        return cls(project, project.topology(), TopologyText(project.topology_path), load_contracts(project))

    def add(self, topic: str, description: str) -> type[Contract]:
        """Draft a topic.

        Raises:
            ConfigurationError: its name or description cannot be, or it is there already.
        """
        _check_name(topic)
        if topic in self.topology.topics:
            raise ConfigurationError(f"the topic {topic} is there already: nothing was changed")
        if any(each.event_type == topic for each in self.contracts):
            raise ConfigurationError(
                f"a contract of type {topic} is there already: add `{topic}: {{}}` to topics in infra/topology.yaml"
            )
        description = _checked(description)
        fields = {"description": description} if description else {}
        self.text.add("topics", topic, fields, before=system_topics(self.topology))
        contract = self._contract(topic, description or sentence(topic))
        self.contracts.append(contract)
        return contract

    def change(self, next_steps: Iterable[str]) -> Change:
        """All that was drafted."""
        edited = {**self.edited, self.project.topology_path: str(self.text)}
        return Change(self.project, self.created, edited, tuple(next_steps))

    def steps(self, made: Sequence[type[Contract]]) -> Iterator[str]:
        """What is left to do with contracts that were just made."""
        for each in made:
            yield f"give {each.__name__} its fields in {self.path_of(each).relative_to(self.project.root)}"
        if made:
            yield "export them, which nobody has used yet: tidegate contracts export --allow-breaking"
        for each in made:
            yield f"let a function consume it: tidegate new function NAME --on {each.event_type}"

    def path_of(self, contract: type[Contract]) -> Path:
        return self.project.infra / f"{contract.__module__.replace('.', '/')}.py"

    def _contract(self, topic: str, description: str) -> type[Contract]:
        """Write the contract beside those of the same domain, or in a module of its own."""
        path = self._module(topic)
        source = contract_source(topic, description)
        name = f"contracts.{path.stem}"
        present = self.edited.get(path) or self.created.get(path)
        if present is None and path.is_file():
            present = path.read_text(encoding="utf-8")
        if present is None:
            self.created[path] = formatted(self.project, path, module_source(f"What is said of {path.stem}.", source))
        else:
            _check_module(path.relative_to(self.project.root), present, class_name(topic))
            added = formatted(self.project, path, source)
            (self.created if path in self.created else self.edited)[path] = f"{present.rstrip()}\n\n\n{added}"
        contract = _defined(source, name, class_name(topic))
        self.created[self.project.schemas_dir / f"{topic}.v1.json"] = schema_text(schema_of(contract))
        return contract

    def _module(self, topic: str) -> Path:
        """Where contracts of the same first word are; else a module that bears it."""
        word = re.split(r"[._-]", topic)[0]
        for each in self.contracts:
            if re.split(r"[._-]", each.event_type)[0] == word and each.__module__.startswith("contracts."):
                return self.path_of(each)
        plural = word if word.endswith("s") and not keyword.iskeyword(word) else f"{word}s"
        return self.project.contracts_dir / f"{plural}.py"


def system_topics(topology: Topology) -> frozenset[str]:
    """Those that Tidegate brings along; they stand last in the file, and so do their functions."""
    return frozenset({ADVANCED, SETTLED, WOKEN, topology.dead_letter_topic})


def new_topic(project: Project, topic: str, description: str = "") -> Change:
    """Plan a topic that nobody publishes to yet; nothing is written before `Change.apply`.

    Raises:
        ConfigurationError: it cannot be made; the message says why and what to do.
    """
    drafts = Drafts.of(project)
    contract = drafts.add(topic, description)
    change = drafts.change(drafts.steps([contract]))
    change.check()
    return change


def _check_name(topic: str) -> None:
    try:
        TypeAdapter(TopicName).validate_python(topic)
    except ValidationError:
        raise ConfigurationError(
            f"{topic!r} cannot name a topic: write lower-case words joined by dots such as flight.reported"
        ) from None


def _checked(description: str) -> str:
    description = description.strip()
    if len(description) > _LONGEST or "\n" in description:
        raise ConfigurationError(f"the description is longer than a line of {_LONGEST} characters: shorten it")
    return f"{description}." if description and description[-1] not in ".!?" else description


def _check_module(label: Path, source: str, name: str) -> None:
    if not re.search(r"^from tidegate(\.contracts)? import .*\bContract\b", source, re.MULTILINE):
        raise ConfigurationError(f"{label} does not import Contract: add `from tidegate.contracts import Contract`")
    if re.search(rf"^class {name}\b", source, re.MULTILINE):
        raise ConfigurationError(f"{label} has a class {name} already: choose another name for the topic")


def _defined(source: str, module: str, name: str) -> type[Contract]:
    """The class that ``source`` defines, without anything being written."""
    place = ModuleType(module)
    vars(place)["Contract"] = Contract
    exec(compile(source, module, "exec"), vars(place))  # noqa: S102 - written by ourselves
    contract: type[Contract] = vars(place)[name]
    return contract
