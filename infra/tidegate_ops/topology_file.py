"""Reading `infra/topology.yaml`: every fault at once, each with its line and what to write instead."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tidegate.errors import ConfigurationError
from tidegate.topology import Topology
from tidegate_ops.topology_faults import explain
from tidegate_ops.yaml_source import YamlError, YamlSource

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class TopologyError(ConfigurationError):
    """The topology cannot be used; the message has one line per fault, ``file:line: path: fault``."""


def load_topology(path: Path) -> Topology:
    """Read and validate a topology.

    Types are taken strictly, so that a quoted number is a fault here as it is for Terraform.

    Raises:
        TopologyError: naming every fault there is.
    """
    try:
        source = YamlSource.read(path)
        text = source.json_text()
    except YamlError as error:
        raise TopologyError(str(error)) from error
    try:
        return Topology.model_validate_json(text, strict=True)
    except ValidationError as error:
        faults = [(source.line(fault["loc"]), explain(fault)) for fault in error.errors(include_url=False)]
        # Terraform and people read from the top, so the faults come in the file's order.
        lines = [f"{source.label}:{line}: {words}" for line, words in sorted(faults)]
        raise TopologyError("\n".join(lines)) from None


def topology_schema() -> dict[str, Any]:
    """The JSON Schema by which editors complete and check `topology.yaml`."""
    schema = Topology.model_json_schema()
    for field in schema["properties"].values():
        if "patternProperties" in field:
            field["additionalProperties"] = False
    return {"$schema": _DIALECT, **schema}


def topology_schema_text() -> str:
    """`topology_schema` as it is committed beside the topology."""
    return json.dumps(topology_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
