"""HTTP functions in the local stack: a process of their own, open to people, and quick to go."""

import shutil
import signal
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from tests.acceptance.delivery_log import DeliveryLog, eventually
from tidegate.stopping import GRACE_SECONDS
from tidegate_ops.local_stack import LocalStack
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

REPOSITORY = Path(__file__).parents[2]
REQUEST_SECONDS = 30
TOPOLOGY = """\
application: lighthouse
topics: {}
functions: {}
http_functions:
  lamp:
    access: public
    concurrency: 2
"""
MAIN = """\
import asyncio
import os
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from tidegate import http_function
from tidegate.sites import Site


@http_function
def lamp(site: Site) -> ASGIApp:
    async def lights(request: Request) -> JSONResponse:
        document = site.ports.firestore().document(f"lights/{request.path_params['name']}")
        if request.method == "PUT":
            await document.set({"colour": (await request.body()).decode()})
        return JSONResponse({"light": (await document.get()).to_dict(), "pid": os.getpid(), "file": __file__})

    async def blink(request: Request) -> StreamingResponse:
        return StreamingResponse(blinks(), media_type="text/event-stream")

    async def blinks() -> AsyncIterator[str]:
        yield "data: on\\n\\n"
        await asyncio.Event().wait()

    return Router([Route("/lights/{name}", lights, methods=["GET", "PUT"]), Route("/blink", blink)])
"""

pytestmark = pytest.mark.usefixtures("emulators_installed")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of one HTTP function."""
    root = tmp_path_factory.mktemp("lighthouse")
    for name, text in {"infra/topology.yaml": TOPOLOGY, "functions/lamp/main.py": MAIN}.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "functions/lamp/requirements.txt").touch()
    shutil.copytree(
        REPOSITORY / "infra/tidegate", root / "infra/tidegate", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "infra/contracts").mkdir()
    (root / "infra/contracts/__init__.py").touch()
    return Project(root)


@pytest.fixture(scope="module")
def stack(project: Project, emulators_installed: None) -> Iterator[LocalStack]:
    """The project as it runs."""
    with LocalStack(project) as stack:
        yield stack


def test_it_answers_at_its_url(stack: LocalStack, project: Project) -> None:
    """From its own bundle, with the stack's Firestore; other commands find where."""
    with httpx.Client(base_url=stack.urls["lamp"], timeout=REQUEST_SECONDS) as client:
        assert client.get("_ready").json() == {"function": "lamp", "ready": True}
        told = client.put("lights/north", content=b"red").json()
    assert told["light"] == {"colour": "red"}
    assert Path(told["file"]).is_relative_to(stack.state.directory)
    state = StackState.require(project)
    assert stack.urls == {"lamp": f"http://127.0.0.1:{state.functions['lamp'].port}/"}


def test_a_client_that_leaves_a_stream_frees_its_place(stack: LocalStack) -> None:
    """Streams take all its places, until one of their readers goes."""
    with (
        httpx.Client(base_url=stack.urls["lamp"], timeout=REQUEST_SECONDS) as client,
        client.stream("GET", "blink") as one,
    ):
        staying = one.iter_lines()
        assert next(staying) == "data: on"
        with client.stream("GET", "blink") as two:
            leaving = two.iter_lines()
            assert next(leaving) == "data: on"
            refused = client.get("lights/north")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        eventually(lambda: client.get("lights/north").is_success)


def test_a_killed_process_is_replaced(stack: LocalStack) -> None:
    """At the same address, soon."""
    url = f"{stack.urls['lamp']}lights/south"
    before = _pid(url)
    stack.kill_function("lamp")
    eventually(lambda: _pid(url) not in (before, None))


def test_an_open_stream_does_not_hold_up_the_end(stack: LocalStack) -> None:
    """At SIGTERM it ends in good order before the grace is over, for its reader to go on at the next instance."""
    url = f"{stack.urls['lamp']}lights/west"
    before = _pid(url)
    with httpx.stream("GET", f"{stack.urls['lamp']}blink", timeout=REQUEST_SECONDS) as page:
        lines = page.iter_lines()
        assert next(lines) == "data: on"
        told = time.monotonic()
        stack.kill_function("lamp", signal.SIGTERM, worker=False)
        assert list(lines) == [""]
        assert time.monotonic() - told < GRACE_SECONDS
    eventually(lambda: _pid(url) not in (before, None))


def test_an_open_stream_does_not_hold_up_an_edit(tmp_path: Path, project: Project) -> None:
    """With --reload, the function starts anew before the grace is over, although a page still listens to it."""
    copy = Project(shutil.copytree(project.root, tmp_path / "copy", ignore=shutil.ignore_patterns("build")))
    main = copy.functions_dir / "lamp" / "main.py"
    log = DeliveryLog()
    with (
        LocalStack(copy, reload=True, on_line=log.note) as stack,
        httpx.stream("GET", f"{stack.urls['lamp']}blink", timeout=REQUEST_SECONDS) as page,
    ):
        lines = page.iter_lines()
        assert next(lines) == "data: on"
        edited = time.monotonic()
        main.write_text(MAIN.replace('"pid": os.getpid()', '"pid": "edited"'), encoding="utf-8")
        log.wait_line("lamp: reloaded")
        assert time.monotonic() - edited < GRACE_SECONDS
        eventually(lambda: _pid(f"{stack.urls['lamp']}lights/north") == "edited")


def _pid(url: str) -> object:
    """The process that answers; None while none does, or the one that does is stopping."""
    try:
        answer = httpx.get(url, timeout=REQUEST_SECONDS)
    except httpx.TransportError:
        return None
    return answer.json()["pid"] if answer.status_code == HTTPStatus.OK else None
