"""A plan of terraform, read for its resources and the variables it was made with."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.terraform.terraform import SHOWN

_MODULE = re.compile(r'module\.(\w+)(?:\["([^"]+)"\])?\.')


@dataclass(frozen=True)
class Resource:
    """One resource that would be created.

    Attributes:
        module: the name of the module it is in; empty in the root module.
        owner: the function, topic, … that this module is for; empty where it is for all.
        key: its own key under for_each; None without.
        values: what is known of it, by attribute; a nested block is a list.
        unknown: True for attributes that only its creation tells.
    """

    address: str
    type: str
    module: str
    owner: str
    key: str | int | None
    values: dict[str, Any]
    unknown: dict[str, Any]

    def block(self, name: str) -> dict[str, Any]:
        """A nested block that may occur once; empty where it is missing."""
        blocks = self.values.get(name) or [{}]
        return dict(blocks[0])


@dataclass(frozen=True)
class Plan:
    """The resources that a plan creates in an empty project, and what was asked of it beside the topology."""

    resources: tuple[Resource, ...]
    variables: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """From the folder that it was left in."""
        shown = json.loads((folder / SHOWN).read_text())
        variables = {name: each.get("value") for name, each in shown["variables"].items()}
        return cls(tuple(_resources(shown, "")), variables)

    @classmethod
    def read_part(cls, folder: Path, name: str, given: Mapping[str, Any]) -> "Plan":
        """The same of one part of a composition, which was given these variables."""
        return cls(tuple(_resources(json.loads((folder / SHOWN).read_text()), f"module.{name}.")), given)

    def of(self, type_: str, **values: object) -> Iterator[Resource]:
        """The resources of one type, named without the provider's prefix, that have these values."""
        for each in self.resources:
            if each.type == f"google_{type_}" and values.items() <= each.values.items():
                yield each

    @property
    def subscriptions(self) -> dict[str, Resource]:
        """The subscriptions of the topology's functions, by these."""
        return {name: each for name, each in self._queues.items() if name not in self.options("retired_functions")}

    @property
    def retired(self) -> dict[str, Resource]:
        """Those of functions that have left it."""
        return {name: each for name, each in self._queues.items() if name in self.options("retired_functions")}

    @property
    def _queues(self) -> dict[str, Resource]:
        return {each.owner: each for each in self.of("pubsub_subscription") if each.module == "subscription"}

    @property
    def functions(self) -> dict[str, Resource]:
        """The functions, by their name in the topology."""
        return {each.owner: each for each in self.of("cloudfunctions2_function")}

    def options(self, variable: str) -> dict[str, dict[str, Any]]:
        """What a variable says of things by their names; nothing where it was not given."""
        return dict(self.variables.get(variable) or {})


def _resources(shown: dict[str, Any], prefix: str) -> Iterator[Resource]:
    for each in shown["resource_changes"]:
        if each["address"].startswith(prefix):
            address = each["address"].removeprefix(prefix)
            module = _MODULE.match(address)
            yield Resource(
                address=address,
                type=each["type"],
                module=module[1] if module else "",
                owner=(module[2] or "") if module else "",
                key=each.get("index"),
                values=each["change"]["after"],
                unknown=each["change"]["after_unknown"],
            )
