"""What is checked: the topology with its lines, the contracts, and the handlers that could be loaded."""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError
from tidegate.handlers import Handler
from tidegate.topology import Topology
from tidegate_ops.project import Project
from tidegate_ops.schemas import load_contracts
from tidegate_ops.topology_faults import dotted
from tidegate_ops.yaml_source import YamlSource


@dataclass(frozen=True, slots=True)
class Finding:
    """One inconsistency.

    Attributes:
        where: file, and line or path inside it.
        problem: what is wrong, in a clause.
        fix: what to do, as an order.
    """

    where: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.fix}"


@dataclass(frozen=True, slots=True)
class Application:
    """A project as the checks see it.

    Attributes:
        handlers: of the functions that consume events; those that cannot be imported are in ``broken`` instead.
        broken: function of either kind → why it cannot be imported.
    """

    project: Project
    source: YamlSource
    topology: Topology
    contracts: tuple[type[Contract], ...]
    handlers: Mapping[str, Handler]
    broken: Mapping[str, str]

    @classmethod
    def load(cls, project: Project) -> "Application":
        """Read the project.

        Raises:
            ConfigurationError: the topology or a module of the contracts cannot be read.
        """
        topology = project.topology()
        contracts = tuple(load_contracts(project))
        handlers: dict[str, Handler] = {}
        broken: dict[str, str] = {}
        for name in topology.deployed:
            if not (project.functions_dir / name / "main.py").is_file():
                continue  # the check of the folders tells
            try:
                if name in topology.functions:
                    handlers[name] = project.load_handler(name)
                else:
                    project.load_http_handler(name)
            except ConfigurationError as error:
                broken[name] = str(error)
        return cls(project, YamlSource.read(project.topology_path), topology, contracts, handlers, broken)

    def at(self, *location: int | str) -> str:
        """Where something stands in the topology: ``infra/topology.yaml:17: functions.assess_flight``."""
        file = self.project.topology_path.relative_to(self.project.root)
        return f"{file}:{self.source.line(location)}: {dotted(location)}"

    def current_contract(self, topic: str) -> type[Contract] | None:
        """The contract of the highest version for a topic; None where there is none."""
        versions = [contract for contract in self.contracts if contract.event_type == topic]
        return max(versions, key=lambda contract: contract.event_version, default=None)
