"""Redaction: what a log line must not tell although the error that it is about does.

Two kinds of text are struck out. Secrets by their look: user names and query strings in URLs, values beside names
such as ``Authorization`` or ``password``, tokens, private keys. And an event's own data, wherever an error quotes it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

SECRET = "[secret]"  # noqa: S105 - the word that stands in for one
DATA = "[data]"

SHORTEST_QUOTE = 6
"""Values shorter than this tell little, and striking them out would leave no readable text."""
MAX_QUOTED_BYTES = 65_536
"""Larger payloads are not searched for: then no error text is told at all but its first word, the kind of error."""

_NAMES = (
    r"x-api-key|api[_-]?key|access[_-]?key|secret[_-]?key|client[_-]?secret|secret|password|passwd|pwd|passphrase|"
    r"(?:access|refresh|id|auth|bearer)?[_-]?token|signature|credentials?"
)
_HEADERS = r"(?:proxy-)?authorization|(?:set-)?cookie"
_VALUE = r"""("[^"]*"|'[^']*'|[^\s,;&)\]}]+)"""
_PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), SECRET),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/?#@'\"]+@", re.IGNORECASE), rf"\1{SECRET}@"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s?#'\"<>]+)\?[^\s#'\"<>]+", re.IGNORECASE), rf"\1?{SECRET}"),
    (re.compile(rf"\b((?:{_HEADERS})[\"']?\s*[:=]\s*[\"']?)[^\"'\n}}]+", re.IGNORECASE), rf"\1{SECRET}"),
    (re.compile(rf"(?<![A-Za-z0-9])((?:{_NAMES})[\"']?\s*[:=]\s*){_VALUE}", re.IGNORECASE), rf"\1{SECRET}"),
    (re.compile(r"\b(bearer|basic)\s+(?=\S*[0-9=_-])[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {SECRET}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), SECRET),
)
# What every one of the patterns needs something of, so that ordinary lines cost one search.
_SUSPICIOUS = re.compile(rf"://|-----BEGIN|{_HEADERS}|{_NAMES}|bearer|basic|eyJ", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """The text without what looks like a secret."""
    if not _SUSPICIOUS.search(text):
        return text
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def without_data(text: str, data: bytes) -> str:
    """The text without the values of an event's JSON data that it quotes, and without the data itself."""
    if not text or not data:
        return text
    if len(data) > MAX_QUOTED_BYTES:
        return _kinds_of_error(text)
    whole = data.decode(errors="replace")
    quotes = {whole, *_values(whole)}
    # The longest first: a value may be a part of another.
    for each in sorted((each for each in quotes if len(each) >= SHORTEST_QUOTE), key=len, reverse=True):
        for spelled in {each, repr(each)[1:-1], json.dumps(each)[1:-1]}:
            text = text.replace(spelled, DATA)
    return text


def _values(text: str) -> Iterator[str]:
    try:
        waiting: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str):
            yield value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield str(value)


_FRAME = re.compile(r'  File ".*", line \d+')
_HEADING = re.compile(r"(Traceback \(most|During handling of|The above exception was|\s*$)")


def _kinds_of_error(text: str) -> str:
    """Where things happened, line by line; of every other line only what stands before its first colon or space."""
    kept, in_frame = [], False
    for line in text.split("\n"):
        shows_code = in_frame and line.startswith("    ")
        in_frame = shows_code or bool(_FRAME.match(line))
        kept.append(line if in_frame or _HEADING.match(line) else f"{re.split('[: ]', line, maxsplit=1)[0]}: {DATA}")
    return "\n".join(kept)
