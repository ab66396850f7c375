"""Redaction: what must not be told is struck out, and the rest can still be read."""

import json

import pytest

from tidegate.redaction import without_data, without_secrets


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET https://anna:pw@api.example/seats failed", "GET https://[secret]@api.example/seats failed"),
        ("GET https://api.example/seats?key=abc&b=1 failed", "GET https://api.example/seats?[secret] failed"),
        ("'https://api.example/seats?key=abc'", "'https://api.example/seats?[secret]'"),
        ("{'Authorization': 'Bearer abc.def-1', 'Accept': 'x'}", "{'Authorization': '[secret]', 'Accept': 'x'}"),
        ("sent Bearer ya29.a0AfH6SMB", "sent Bearer [secret]"),
        ("password=hunter2, user=anna", "password=[secret], user=anna"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": [secret], "n": 1}'),
        ("set-cookie: session=abc; path=/", "set-cookie: [secret]"),
        ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.sig refused", "jwt [secret] refused"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "[secret]"),
        ("a basic information desk bearer", "a basic information desk bearer"),
        ("no seat at https://api.example/seats/7", "no seat at https://api.example/seats/7"),
    ],
)
def test_secrets(text: str, left: str) -> None:
    """What looks like a secret is struck out; ordinary words and addresses stay."""
    assert without_secrets(text) == left


@pytest.mark.parametrize(
    ("data", "text", "left"),
    [
        ({"name": "Anna Karenina"}, "no seat for Anna Karenina", "no seat for [data]"),
        ({"names": ["Anna K.", {"of": "Karenina"}]}, "Anna K. or Karenina?", "[data] or [data]?"),
        ({"card": 4111111111111111}, "card 4111111111111111 refused", "card [data] refused"),
        ({"a": "flights", "b": "flights of Anna"}, "no flights of Anna", "no [data]"),
        ({"note": "first\nsecond"}, "ValueError('first\\nsecond')", "ValueError('[data]')"),
        ({"code": "UA"}, "UA has no such UA flight", "UA has no such UA flight"),
    ],
)
def test_data(data: object, text: str, left: str) -> None:
    """Values that are quoted are struck out, however deep; what is too short to tell anything stays."""
    assert without_data(text, json.dumps(data).encode()) == left


def test_data_that_is_no_json() -> None:
    """It is struck out where it is quoted as a whole."""
    assert without_data("cannot read 'EWR;1458'", b"EWR;1458") == "cannot read '[data]'"
    assert without_data("cannot read it", b"[" * 40_000) == "cannot read it"


def test_large_data() -> None:
    """It is not searched: where an error happened is told, and its kind, but nothing that it says."""
    try:
        raise LookupError("Anna\n    of a large event")
    except LookupError:
        import traceback

        text = traceback.format_exc()
    left = without_data(text, b"x" * 70_000).splitlines()
    assert left[0] == "Traceback (most recent call last):"
    assert any("raise LookupError" in line for line in left)
    assert left[-2:] == ["LookupError: [data]", ": [data]"]
