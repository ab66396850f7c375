"""Editing a dead letter's payload before it goes back."""

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError, ContractViolation, TidegateError
from tidegate.events import SCHEMA_PREFIX
from tidegate_ops.filed_letters import FiledLetter
from tidegate_ops.project import Project
from tidegate_ops.publishing import newest_contract
from tidegate_ops.schemas import load_contracts


class EditRefused(TidegateError):
    """The edited text cannot be published; the message names the file that keeps it."""


def contract_of(project: Project, letter: FiledLetter, topic: str) -> type[Contract]:
    """The contract that the letter's payload has to fit: of the version it names, or else the newest.

    Raises:
        ConfigurationError: there is no such contract.
    """
    named = letter.attributes.get("ce-dataschema", "")
    if not named.startswith(SCHEMA_PREFIX):
        return newest_contract(project, topic)
    for contract in load_contracts(project):
        if named == f"{SCHEMA_PREFIX}{contract.event_type}:{contract.event_version}":
            return contract
    raise ConfigurationError(f"letter {letter.id} names the contract {named}, which infra/contracts does not have")


def edited(data: bytes, contract: type[Contract], *, edit: Callable[[Path], None]) -> bytes:
    """The payload as ``edit`` leaves it in a file.

    Raises:
        EditRefused: it is unchanged, or does not fit the contract.
    """
    handle, name = tempfile.mkstemp(prefix="redrive-", suffix=".json")
    os.close(handle)
    path = Path(name)
    before = _pretty(data)
    path.write_bytes(before)
    edit(path)
    text = path.read_bytes()
    if text == before:
        path.unlink()
        raise EditRefused("the payload is as it was, so nothing was sent: leave --edit out to redrive it unchanged")
    try:
        contract.parse(text)
    except ContractViolation as error:
        raise EditRefused(f"nothing was sent: {error}\nyour text is kept in {path}") from None
    path.unlink()
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()


def open_editor(path: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Let the operator's own editor change the file; return when it is closed.

    Raises:
        ConfigurationError: no editor is named, or it failed.
    """
    command = environment.get("VISUAL") or environment.get("EDITOR")
    if not command:
        raise ConfigurationError("no editor is named: set EDITOR, for example export EDITOR=nano")
    try:
        subprocess.run([*shlex.split(command), str(path)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(f"the editor failed ({error}); the text is in {path}") from error


def _pretty(data: bytes) -> bytes:
    """JSON with a field a line; whatever else it is stays as it is, to be mended."""
    try:
        return json.dumps(json.loads(data), indent=2, ensure_ascii=False).encode() + b"\n"
    except ValueError:
        return data
