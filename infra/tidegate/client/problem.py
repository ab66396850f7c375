"""What the gateway says of a request that it refuses: RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any, Self

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

_MOST_CHARACTERS = 300  # of an answer that is no problem document, such as a proxy's page
_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "give the client an api_key, or a token such as google_id_token(url)",
    HTTPStatus.FORBIDDEN: "give the client the credentials of somebody who may do this",
    HTTPStatus.NOT_FOUND: "check the gateway's URL",
}


class Fault(BaseModel):
    """One thing that is wrong; ``pointer`` is a JSON pointer into the data, empty for all of it."""

    model_config = ConfigDict(frozen=True)

    pointer: str = ""
    detail: str = ""


class Problem(BaseModel):
    """A refusal. Programs go by ``type``, which is empty where it was not the gateway that refused.

    ``retry_after`` is after how many seconds the same may be met.
    """

    model_config = ConfigDict(frozen=True)

    type: str = ""
    title: str = ""
    status: int = 0
    detail: str = ""
    errors: tuple[Fault, ...] = ()
    retry_after: float | None = None

    @classmethod
    def read(cls, answer: httpx.Response) -> Self:
        """The problem that an answer is."""
        try:
            return cls.model_validate_json(answer.content)
        except ValidationError:
            return cls._of_stranger(answer.status_code, answer.text)

    @classmethod
    def of_line(cls, line: dict[str, Any]) -> Self:
        """The problem that a line of a batch's answer tells."""
        try:
            return cls.model_validate(line["problem"])
        except (ValidationError, KeyError):
            return cls._of_stranger(int(line.get("status", 0)), str(line))

    @classmethod
    def _of_stranger(cls, status: int, text: str) -> Self:
        known = status in {each.value for each in HTTPStatus}
        title = f"{status} {HTTPStatus(status).phrase}" if known else f"status {status}"
        advice = _ADVICE.get(HTTPStatus(status), "") if known else ""
        return cls(title=title, status=status, detail=advice or text.strip()[:_MOST_CHARACTERS])

    def __str__(self) -> str:
        faults = [f"{fault.pointer or 'data'}: {fault.detail}" for fault in self.errors]
        return "; ".join(part for part in (self.title, self.detail, *faults) if part)
