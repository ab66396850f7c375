"""Dead letters: which there are, and sending back or dropping several of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidegate.errors import ConfigurationError, TidegateError
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.form_body import FormBody, read_body
from tidegate_ops.console.guard import OPERATOR
from tidegate_ops.console.pages import Pages
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.filed_letters import FiledLetter, LetterFile, Selection, State
from tidegate_ops.redrive import Outcome, Redrive

_MOST_SHOWN = 200
_ACTIONS = ("redrive", "drop")


@dataclass(frozen=True, slots=True)
class Review:
    """What is about to be done, for somebody to agree to.

    Attributes:
        hopeless: letters that cannot be redriven, with the reasons.
        trouble: why it cannot be done as it was asked for.
        outcomes: what became of each letter; empty before anything was done.
    """

    action: str
    letters: Sequence[FiledLetter]
    hopeless: Sequence[Outcome] = ()
    reason: str = ""
    trouble: str = ""
    outcomes: Sequence[Outcome] = ()


class LettersPage:
    """Shows the letters, and settles those that are ticked."""

    def __init__(self, desk: Desk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages
        self._letters = DeadLetterFile(desk.firestore, desk.topology)
        self._file = LetterFile(desk.firestore, desk.topology.functions)

    async def read(self, request: Request) -> Mapping[str, Any]:
        """The letters that match, the newest first."""
        query = request.query_params
        function, state, reason = query.get("function", ""), query.get("state", State.OPEN), query.get("reason", "")
        if state not in ("all", *State):
            raise ConfigurationError(f"There is no state {state}: there are {', '.join(State)}, and all.")
        wanted = None if state == "all" else State(state)
        found = await self._letters.list(function=function, state=wanted)
        matching = [each for each in reversed(found) if reason.lower() in each.reason.lower()]
        return {
            "letters": matching[:_MOST_SHOWN],
            "left_out": max(0, len(matching) - _MOST_SHOWN),
            "function": function,
            "state": state,
            "reason": reason,
            "functions": sorted({*self._desk.topology.functions, *(each.function for each in found)}),
            "letter_states": list(State),
            "narrowed": bool(function or reason or state != State.OPEN),
        }

    async def settle(self, request: Request) -> Response:
        """Show what would be done to the letters that are ticked; do it where that has been agreed to."""
        body = await read_body(request)
        action = body.text("action")
        if action not in _ACTIONS:
            raise ConfigurationError(f"There is no action {action}: there are {', '.join(_ACTIONS)}.")
        if not body.all("id"):
            return RedirectResponse("/dead?done=nothing", HTTPStatus.SEE_OTHER)
        redrive = Redrive(self._file, self._desk.publisher, self._desk.topology, operator_of(request, self._desk))
        review = await self._review(action, body, redrive)
        if review.trouble or not body.text("agreed"):
            status = HTTPStatus.UNPROCESSABLE_ENTITY if review.trouble else HTTPStatus.OK
            return self._answer(request, review, status)
        outcomes = await self._act(review, redrive)
        if not any(each.trouble for each in outcomes):
            done = "redriven" if action == "redrive" else "dropped"
            return RedirectResponse(f"/dead?done={done}&count={len(outcomes)}", HTTPStatus.SEE_OTHER)
        return self._answer(request, Review(action, (), outcomes=outcomes), HTTPStatus.CONFLICT)

    async def _review(self, action: str, body: FormBody, redrive: Redrive) -> Review:
        reason = body.text("reason")
        try:
            letters = await self._file.select(Selection(tuple(body.all("id"))))
        except ConfigurationError as error:
            return Review(action, (), reason=reason, trouble=str(error))
        if action == "drop":
            trouble = "" if reason else "Say why: somebody will ask why the work was never done."
            return Review(action, letters, reason=reason, trouble=trouble)
        hopeless = redrive.refused(letters)
        ids = {each.letter.id for each in hopeless}
        return Review(action, [each for each in letters if each.id not in ids], hopeless, reason)

    async def _act(self, review: Review, redrive: Redrive) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if review.action == "redrive":
            await redrive.send_all(review.letters, outcomes.append)
            return outcomes
        return [await drop(self._file, each, redrive.operator, review.reason) for each in review.letters]

    def _answer(self, request: Request, review: Review, status: HTTPStatus) -> Response:
        context = {"path": request.url.path, "query": request.query_params, "review": review}
        return self._pages.page("review.html", context, status)


async def drop(file: LetterFile, letter: FiledLetter, operator: str, reason: str) -> Outcome:
    """Close a letter without redriving it."""
    try:
        await file.settle(letter, State.DROPPED, settled_by=operator, drop_reason=reason)
    except TidegateError as error:
        return Outcome(letter, str(error))
    return Outcome(letter)


def operator_of(request: Request, desk: Desk) -> str:
    """Who asks."""
    operator: str = request.scope.get(OPERATOR, desk.operator)
    return operator
