"""The files that the page needs, with addresses that change with their content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, and the digest of its content."""

    content: bytes
    digest: str
    media_type: str

    @classmethod
    def read(cls, path: Path) -> "Asset":
        """Read a file of a known kind."""
        content = path.read_bytes()
        return cls(content, hashlib.sha256(content).hexdigest()[:16], _MEDIA_TYPES[path.suffix])


class Assets:
    """All of them, read once."""

    def __init__(self) -> None:
        self._assets = {path.name: Asset.read(path) for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES}

    def address(self, name: str) -> str:
        """Where a page finds the asset, from the root of the application."""
        return f"assets/{name}?v={self._assets[name].digest}"

    def answer(self, name: str, request: Request) -> Response:
        """The asset, or that the browser's copy is still good. An address without its digest must ask each time.

        Raises:
            KeyError: there is no such asset.
        """
        asset = self._assets[name]
        etag = f'"{asset.digest}"'
        headers = {
            "ETag": etag,
            "Cache-Control": _FOREVER if request.query_params.get("v") == asset.digest else _ASK_AGAIN,
        }
        if etag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)
