"""The contracts in code, their committed JSON Schemas, and what changed between the two."""

import importlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError
from tidegate.events import SCHEMA_PREFIX
from tidegate_ops.compatibility import Schema, breaking_changes
from tidegate_ops.files import write_atomically
from tidegate_ops.project import Project

__all__ = [
    "Catalogue",
    "Comparison",
    "breaking_changes",
    "catalogue_text",
    "committed",
    "compare",
    "export",
    "filed",
    "in_code",
    "load_contracts",
    "schema_of",
    "schema_text",
]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Catalogue: TypeAlias = Mapping[str, Schema]
"""Schemas by the name of their file, ``flight.cancelled.v1.json``."""


def load_contracts(project: Project) -> list[type[Contract]]:
    """Every contract that the project's `contracts` package defines, by type and version.

    As with every import, a process sees a module as it was when it was first imported.

    Raises:
        ConfigurationError: there is no such package, or a module of it cannot be imported.
    """
    if not project.contracts_dir.is_dir():
        raise ConfigurationError(f"{project.contracts_dir.relative_to(project.root)} is missing: create the package")
    found: list[type[Contract]] = []
    with project.importing():
        for name in _module_names(project.contracts_dir):
            try:
                module = importlib.import_module(name)
            except Exception as error:
                raise ConfigurationError(
                    f"infra/{name.replace('.', '/')} cannot be imported ({type(error).__name__}: {error}): correct it"
                ) from error
            found += [each for each in vars(module).values() if _is_defined_in(module.__name__, each)]
    return sorted(found, key=lambda contract: (contract.event_type, contract.event_version))


def schema_of(contract: type[Contract]) -> dict[str, Any]:
    """A contract's JSON Schema, which names type and version in its ``$id``."""
    return {
        "$schema": _DIALECT,
        "$id": f"{SCHEMA_PREFIX}{contract.event_type}:{contract.event_version}",
        **contract.model_json_schema(mode="validation"),
    }


def schema_text(schema: Schema) -> str:
    """A schema as it is committed: pretty and sorted, so that a diff shows the change alone."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def in_code(project: Project) -> Catalogue:
    """The schemas of the contracts as the code has them now."""
    return {_file_name(contract): schema_of(contract) for contract in load_contracts(project)}


def committed(project: Project, revision: str = "") -> Catalogue:
    """The exported schemas: those on disk, or those of a git revision.

    Raises:
        ConfigurationError: git does not know the revision, or a file is no JSON.
    """
    texts = _texts_at(project, revision) if revision else _texts_on_disk(project)
    schemas: dict[str, Schema] = {}
    for name, text in sorted(texts.items()):
        try:
            schemas[name] = json.loads(text)
        except ValueError as error:
            raise ConfigurationError(
                f"{name} is no JSON ({error}): restore it from git, or delete it and run tidegate contracts export"
            ) from error
    return MappingProxyType(schemas)


def filed(path: Path) -> Catalogue:
    """The schemas that `tidegate contracts schemas` wrote to a file: such as the deployed ones.

    Raises:
        ConfigurationError: there is no such file, or it holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}): name a file of schemas") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is no JSON ({error}): fetch it again") from error
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise ConfigurationError(f"{path} holds no schemas by name: write it with `tidegate contracts schemas`")
    return MappingProxyType(found)


def catalogue_text(catalogue: Catalogue) -> str:
    """All schemas as one JSON object, which `filed` reads back."""
    return json.dumps(dict(catalogue), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What happened between two catalogues.

    Attributes:
        breaking: one line for each change that some reader could not cope with.
        changed: files that differ without breaking anybody, new ones among them.
    """

    breaking: tuple[str, ...]
    changed: tuple[str, ...]


def compare(old: Catalogue, new: Catalogue) -> Comparison:
    """Compare two catalogues; a version that vanished breaks whoever still consumes it."""
    breaking: list[str] = []
    changed: list[str] = []
    for name in sorted({*old, *new}):
        label = name.removesuffix(".json")
        if name not in new:
            breaking.append(f"{label}: vanished; bring its contract back, or retire it once nothing consumes it")
            continue
        faults = breaking_changes(old[name], new[name]) if name in old else []
        breaking += [f"{label}: {fault}" for fault in faults]
        if not faults and (name not in old or old[name] != new[name]):
            changed.append(name)
    return Comparison(tuple(breaking), tuple(changed))


def export(project: Project, *, dry_run: bool = False) -> list[Path]:
    """Write every contract's schema, remove those without a contract; returns what was touched, or would be."""
    touched: list[Path] = []
    catalogue = in_code(project)
    for name, schema in catalogue.items():
        path, content = project.schemas_dir / name, schema_text(schema).encode()
        if not path.is_file() or path.read_bytes() != content:
            if not dry_run:
                write_atomically(path, content)
            touched.append(path)
    for path in sorted(project.schemas_dir.glob("*.v*.json")):
        if path.name not in catalogue:
            if not dry_run:
                path.unlink()
            touched.append(path)
    return touched


def _module_names(package: Path) -> list[str]:
    """``contracts`` and every module below it, found without importing any."""
    parts = [path.relative_to(package.parent).with_suffix("").parts for path in package.rglob("*.py")]
    return sorted({".".join(each[:-1] if each[-1] == "__init__" else each) for each in parts})


def _is_defined_in(module: str, value: object) -> bool:
    """Whether it is a contract that ``module`` defines, and neither imports nor only derives."""
    return (
        isinstance(value, type)
        and issubclass(value, Contract)
        and value.__module__ == module
        and bool(vars(value).get("event_type"))
    )


def _file_name(contract: type[Contract]) -> str:
    return f"{contract.event_type}.v{contract.event_version}.json"


def _texts_on_disk(project: Project) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in project.schemas_dir.glob("*.v*.json")}


def _texts_at(project: Project, revision: str) -> dict[str, str]:
    folder = project.schemas_dir.relative_to(project.root).as_posix()
    commit = _git(project, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    names = _git(project, "ls-tree", "--name-only", commit, "--", f"{folder}/").splitlines()
    return {Path(name).name: _git(project, "show", f"{commit}:./{name}") for name in names if name.endswith(".json")}


def _git(project: Project, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(project.root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError("git is not installed: install it, or leave out --against") from error
    if done.returncode != 0:
        raise ConfigurationError(f"git {arguments[0]} failed ({done.stderr.strip()}): name a revision git knows")
    return done.stdout
