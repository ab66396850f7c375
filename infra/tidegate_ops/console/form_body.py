"""The body of a form that was sent."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

_MOST_BYTES = 32_000_000  # a payload of Pub/Sub's largest size, written down as forms are
_MOST_FIELDS = 5_000


class FormBody(Mapping[str, str]):
    """Its fields; of several with one name the last, and `all` of them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._last = dict(pairs)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> list[str]:
        """Every value of that name, in order."""
        return [value for each, value in self._pairs if each == name]

    def text(self, name: str) -> str:
        """The value with the line ends that people mean, and without blanks around it; empty for none."""
        return self._last.get(name, "").replace("\r\n", "\n").strip()


async def read_body(request: Request) -> FormBody:
    """The fields of a form, as browsers send those without files.

    Raises:
        HTTPException: it is none, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        pairs = parse_qsl(bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    return FormBody(pairs)
