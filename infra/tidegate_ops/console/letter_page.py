"""One dead letter: what happened to it, and mending it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError, TidegateError
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.filled_form import WHOLE, Faults, hold_against
from tidegate_ops.console.form_body import read_body
from tidegate_ops.console.letters_page import drop, operator_of
from tidegate_ops.console.pages import Pages
from tidegate_ops.dead_letter_file import DeadLetterFile, LetterFolder
from tidegate_ops.filed_letters import LetterFile
from tidegate_ops.payload_editor import contract_of
from tidegate_ops.redrive import Redrive

_MOST_EDITED_BYTES = 1_000_000


@dataclass(slots=True)
class Edit:
    """A payload as somebody left it.

    Attributes:
        checked: what was found out without doing anything; empty where nobody asked.
    """

    text: str
    reason: str = ""
    faults: Faults = field(default_factory=Faults)
    checked: str = ""


class LetterPage:
    """Shows a letter; redrives it, mended or not, or drops it."""

    def __init__(self, desk: Desk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages
        self._letters = DeadLetterFile(desk.firestore, desk.topology)
        self._file = LetterFile(desk.firestore, desk.topology.functions)

    async def read(self, request: Request) -> Mapping[str, Any]:
        """The letter with its payload as it was filed."""
        folder = await self._letters.open(request.path_params["letter"])
        return self._context(folder, Edit(_shown(folder.payload) or ""))

    async def settle(self, request: Request) -> Response:
        """Do what the button says; "check" does everything but the last step."""
        folder = await self._letters.open(request.path_params["letter"])
        body = await read_body(request)
        before = _shown(folder.payload)
        edit = Edit(body.text("payload") if before is not None else "", body.text("reason"))
        action = body.text("action")
        try:
            if body.text("seen") != _seen(folder):
                edit.faults.add(WHOLE, "The letter has changed since you looked: this is how it is now.")
            elif action == "drop":
                await self._drop(folder, edit, operator_of(request, self._desk))
            elif action in ("check", "redrive"):
                await self._redrive(
                    folder, edit, before, operator_of(request, self._desk), only_check=action == "check"
                )
            else:
                raise ConfigurationError(f"There is no action {action}: there are check, redrive and drop.")
        except TidegateError as error:
            edit.faults.add(WHOLE, str(error))
        if not edit.faults and not edit.checked:
            done = "dropped" if action == "drop" else "redriven"
            return RedirectResponse(f"/dead/{quote(folder.letter.id)}?done={done}&count=1", HTTPStatus.SEE_OTHER)
        context = {"path": request.url.path, "query": request.query_params, **self._context(folder, edit)}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if edit.faults else HTTPStatus.OK
        return self._pages.page("letter.html", context, status)

    async def _redrive(
        self, folder: LetterFolder, edit: Edit, before: str | None, operator: str, *, only_check: bool
    ) -> None:
        redrive = Redrive(self._file, self._desk.publisher, self._desk.topology, operator)
        topic = redrive.topic_of(folder.letter)
        changed = before is not None and edit.text != before.strip()
        contract = self._contract(folder)
        data = folder.payload
        if changed:
            data = _data(edit, contract)
        elif contract and only_check:
            hold_against(contract, data, [], edit.faults)
        if edit.faults:
            return
        if only_check:
            what = "The payload as you changed it" if changed else "Its payload as it was"
            fits = f"fits {contract.label()}" if contract else "is held against nothing, for no contract is known"
            goes = f"It would go to {folder.letter.function} by {topic}"
            edit.checked = f"{what} {fits}. {goes}; nothing was changed."
            return
        await redrive.send(folder.letter, data)

    async def _drop(self, folder: LetterFolder, edit: Edit, operator: str) -> None:
        if not edit.reason:
            edit.faults.add("reason", "Say why: somebody will ask why the work was never done.")
            return
        outcome = await drop(self._file, folder.letter, operator, edit.reason)
        if outcome.trouble:
            edit.faults.add(WHOLE, outcome.trouble)

    def _contract(self, folder: LetterFolder) -> type[Contract] | None:
        function = self._desk.topology.functions.get(folder.letter.function)
        try:
            return contract_of(self._desk.project, folder.letter, function.topic) if function else None
        except ConfigurationError:
            return None  # none is of this type or version

    def _context(self, folder: LetterFolder, edit: Edit) -> dict[str, Any]:
        return {
            "folder": folder,
            "letter": folder.letter,
            "edit": edit,
            "editable": _shown(folder.payload) is not None,
            "contract": self._contract(folder),
            "seen": _seen(folder),
        }


def _data(edit: Edit, contract: type[Contract] | None) -> bytes:
    """What the text spells; faults where it is no JSON or does not fit."""
    try:
        data = json.dumps(json.loads(edit.text), ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError as error:
        edit.faults.add("payload", f"This is no JSON: {error}")
        return b""
    if contract:
        found = Faults()
        hold_against(contract, data, [], found)
        for text in found.of(WHOLE):
            edit.faults.add("payload", text)
    return data


def _shown(payload: bytes) -> str | None:
    """The payload for people: JSON with a field a line, other text as it is; None for what cannot be edited here."""
    if len(payload) > _MOST_EDITED_BYTES:
        return None
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _seen(folder: LetterFolder) -> str:
    """Which version of the letter a form is about."""
    return str(folder.letter.update_time.isoformat())
