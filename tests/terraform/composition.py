"""Several configurations in one plan: most of its time goes into starting providers, and these they share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.terraform.terraform import PROJECT, REGION, Configuration

_PROVIDER = {"google": {"project": PROJECT, "region": REGION}}
_REQUIRED = {"google": {"source": "hashicorp/google"}}


@dataclass(frozen=True)
class Part:
    """One of the configurations, and the variables that it is planned with.

    Attributes:
        source: its folder, as seen from the composition's; several parts may be of the same.
    """

    source: str
    given: Mapping[str, object]


@dataclass(frozen=True)
class Composition:
    """A configuration with others as its modules, which bring no provider of their own."""

    folder: Path

    def source(self, name: str) -> Configuration:
        """A copy of the project's configuration in the folder ``name``, to edit and to make parts of."""
        copy = Configuration.copy(self.folder / name)
        for path in copy.folder.rglob("providers.tf"):
            path.unlink()
        copy.replace("bootstrap/triggers.tf", "  provider = google.billed\n", "")
        return copy

    def of(self, parts: Mapping[str, Part]) -> Configuration:
        """All parts by their names, initialised.

        What they are given is a variable, since Terraform checks constants before all else, and then checks no more.
        """
        content = {
            "terraform": {"required_providers": _REQUIRED},
            "provider": _PROVIDER,
            "variable": {"given": {"type": "any"}},
            "module": {
                name: {"source": f"./{part.source}", **{each: f"${{var.given.{name}.{each}}}" for each in part.given}}
                for name, part in parts.items()
            },
        }
        (self.folder / "main.tf.json").write_text(json.dumps(content))
        given = {name: part.given for name, part in parts.items()}
        (self.folder / "terraform.tfvars.json").write_text(json.dumps({"given": given}))
        configuration = Configuration(self.folder)
        configuration.run("init", "-input=false")
        return configuration
