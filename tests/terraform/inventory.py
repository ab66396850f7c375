"""What an environment consists of: a list that is read in reviews, and held against its plan.

`python -m tests.terraform.inventory` writes the lists anew, with today's values of what they name.
"""

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.terraform.applications import Application
from tests.terraform.plan import Plan
from tests.terraform.terraform import ROOT, Configuration
from tidegate_ops.project import Project

ENVIRONMENTS = ("dev", "prod")
_FOLDER = Path(__file__).parent / "inventories"
_YAML = YAML()
_YAML.width = 120


@dataclass(frozen=True)
class Inventory:
    """How many resources there are of each type, and values that the environment is known by, by address.

    A value is named by its attribute, or by a block and its attribute: ``service_config.available_memory``.
    """

    counts: dict[str, int]
    values: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, environment: str) -> "Inventory":
        """The list as it is written."""
        lists = YAML(typ="safe").load(_path(environment))
        return cls(lists["counts"], lists["values"])

    def of(self, plan: Plan) -> "Inventory":
        """The same list for a plan: its counts, and its values of what this one names."""
        resources = {each.address: each for each in plan.resources}
        return Inventory(
            dict(sorted(Counter(each.type.removeprefix("google_") for each in plan.resources).items())),
            {
                address: {name: _value(resources[address].values, name) for name in names}
                for address, names in self.values.items()
                if address in resources
            },
        )


def write(environment: str, plan: Plan) -> None:
    """Write an environment's list anew; its comments and what it names stay."""
    document, today = _YAML.load(_path(environment)), Inventory.read(environment).of(plan)
    document["counts"] = today.counts
    for address in [each for each in document["values"] if each not in today.values]:
        del document["values"][address]
    for address, values in today.values.items():
        document["values"][address].update(values)
    _YAML.dump(document, _path(environment))


def _value(values: dict[str, Any], name: str) -> object:
    for part in name.split("."):
        found: Any = values[part]
        values = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else found
    return values


def _path(environment: str) -> Path:
    return _FOLDER / f"{environment}.yaml"


def main() -> None:
    """Plan every environment and write its list."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Configuration.copy(Path(folder))
        configuration.run("init", "-input=false")
        desk = Application.bundled(Project(ROOT), configuration)
        for environment in ENVIRONMENTS:
            configuration.plan(desk.variables(environment), Path(folder))
            write(environment, Plan.read(Path(folder)))
            sys.stderr.write(f"{_path(environment)} is written\n")


if __name__ == "__main__":
    main()
