"""docs/http-api.md is true: every request in it is answered as it shows."""

import asyncio
import json
import shlex
from http import HTTPStatus
from typing import Any

import httpx

from tests.docs.markdown import Page
from tests.unit.gateway.front_door import GATEWAY, PROJECT, FrontDoor
from tidegate.testing.virtual_loop import run

PAGE = Page.read(PROJECT.root / "docs" / "http-api.md")
FENCES = PAGE.fences("sh", "http")
Shown = tuple[str, dict[str, str], str]


def test_every_request_is_shown_with_its_answer() -> None:
    """They alternate."""
    assert [each.language for each in FENCES] == ["sh", "http"] * (len(FENCES) // 2)


def test_requests_are_answered_as_shown() -> None:
    """One after another, at one gateway; the job settles while somebody waits for it."""

    async def story() -> list[tuple[Shown, Shown]]:
        door = FrontDoor(subscribers={"note.edited": ("edit_note",)})
        compared = []
        async with door.client() as client:
            for request, answer in zip(FENCES[::2], FENCES[1::2], strict=True):
                arguments = curl(request.text)
                if "Prefer" in arguments["headers"]:
                    settling = asyncio.create_task(settle(door, arguments["url"].rpartition("/")[2]))
                response = await client.request(**arguments)
                compared.append((shown(answer.text), like(answer.text, response)))
        await settling
        return compared

    for written, true in run(story()):
        assert written == true


async def settle(door: FrontDoor, job: str) -> None:
    await asyncio.sleep(5)
    await door.advance(job, settled=1, units=1)
    await door.settle(job)


def curl(line: str) -> dict[str, Any]:
    """What a curl command asks for, as far as this page uses it."""
    words = iter(shlex.split(line.replace("\\\n", "").replace("$'", "'")))
    assert next(words) == "curl"
    asked: dict[str, Any] = {"method": "GET", "headers": {}}
    for word in words:
        match word:
            case "-i" | "-iN":
                pass
            case "-X":
                asked["method"] = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                asked["headers"][name] = value
            case "-d" | "--data-binary":
                asked |= {"method": "POST", "content": next(words).replace("\\n", "\n")}
            case _:
                assert word.startswith("$GATEWAY/"), word
                asked["url"] = word.removeprefix("$GATEWAY")
    return asked


def shown(text: str) -> Shown:
    """An answer as the page shows it: status, headers, body without its layout."""
    head, _, body = text.partition("\n\n")
    status, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return status, headers, compact(body, headers.get("content-type", ""))


def like(text: str, response: httpx.Response) -> Shown:
    """The answer that was given, with those headers alone that the page shows."""
    status = f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}"
    headers = {name: response.headers.get(name, "") for name in shown(text)[1]}
    return status, headers, compact(response.text, response.headers.get("content-type", ""))


def compact(body: str, media_type: str) -> str:
    if "json" in media_type and "ndjson" not in media_type:
        return json.dumps(json.loads(body)) if body.strip() else ""
    return body.strip()


def test_the_problems_are_listed() -> None:
    """All of them, with their status."""
    kinds = GATEWAY.call.__globals__["application"].__globals__["HANDLERS"]
    problem = next(each for each in kinds if each.__name__ == "Problem")
    listed = [(row[0].strip("`"), int(row[1])) for row in PAGE.section("Problems").rows("type")]
    known = [(each.type, each.status) for each in problem.__init__.__globals__["Kind"]]
    assert sorted(listed) == sorted([*known, ("about:blank", 503), ("about:blank", 504)])
