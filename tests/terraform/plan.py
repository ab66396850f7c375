"""A plan of terraform, read for its resources and the variables it was made with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


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
    def read(cls, shown: dict[str, Any]) -> "Plan":
        """From what `terraform show -json` says."""
        return cls(
            tuple(
                Resource(
                    address=each["address"],
                    type=each["type"],
                    module=each.get("module_address", "").removeprefix("module.").partition("[")[0],
                    owner=each.get("module_address", "").partition('["')[2].removesuffix('"]'),
                    key=each.get("index"),
                    values=each["change"]["after"],
                    unknown=each["change"]["after_unknown"],
                )
                for each in shown["resource_changes"]
            ),
            {name: each.get("value") for name, each in shown["variables"].items()},
        )

    def of(self, type_: str, **values: object) -> Iterator[Resource]:
        """The resources of one type, named without the provider's prefix, that have these values."""
        for each in self.resources:
            if each.type == f"google_{type_}" and values.items() <= each.values.items():
                yield each

    @property
    def subscriptions(self) -> dict[str, Resource]:
        """The subscriptions of the topology's functions, by these."""
        found = {each.owner: each for each in self.of("pubsub_subscription") if each.module == "subscription"}
        return {name: each for name, each in found.items() if name not in self.options("retired_functions")}

    @property
    def functions(self) -> dict[str, Resource]:
        """The functions, by their name in the topology."""
        return {each.owner: each for each in self.of("cloudfunctions2_function")}

    def options(self, variable: str) -> dict[str, dict[str, Any]]:
        """What a variable says of things by their names; nothing where it was not given."""
        return dict(self.variables.get(variable) or {})
