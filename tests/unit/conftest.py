"""A small project of its own, so that tests of the tools depend on no real application."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.module_table import contracts_kept
from tidegate_ops.project import Project

TOPOLOGY = """\
application: parcel-desk
topics:
  order.placed: {}
  order.packed: {}
  dead.letters: {}
functions:
  pack_order:
    topic: order.placed
    emits: [order.packed]
    timeout_seconds: 30
  dead_letters:
    topic: dead.letters
    attempts: null
"""
JOB_TOPICS = """\
  job.advanced: {}
  job.settled: {}
"""
HTTP_TOPOLOGY = """\
  advance_jobs: {topic: job.advanced}
  tell_client: {topic: job.settled}
http_functions:
  front_desk:
    accepts: [order.placed]
    access: public
    concurrency: 2
"""
CONTRACTS = """\
from tidegate import Contract


class OrderPlaced(Contract, type="order.placed", version=1):
    order_id: str
    items: list[str]


class OrderPacked(Contract, type="order.packed", version=1):
    order_id: str
    weight_grams: int | None = None
"""
PACK_ORDER = """\
from contracts.orders import OrderPacked, OrderPlaced
from tidegate import Context, function

from weights import WEIGHT


@function
def pack_order(order: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    return [OrderPacked(order_id=order.order_id, weight_grams=WEIGHT)]
"""
DEAD_LETTERS = """\
from tidegate import Context, function
from tidegate.dead_letters import DeadLetter


@function
def dead_letters(letter: DeadLetter, ctx: Context) -> None:
    ctx.batch.set(ctx.firestore.document(f"letters/{letter.key}"), {})
"""
FRONT_DESK = """\
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp
from tidegate import http_function
from tidegate.sites import Site

from greetings import GREETING


async def greet(request: Request) -> JSONResponse:
    return JSONResponse({"greeting": GREETING, "name": request.path_params["name"]})


@http_function
def front_desk(site: Site) -> ASGIApp:
    return Router([Route("/hello/{name}", greet)])
"""
JOB_CONTRACTS = """\
from tidegate import Contract


class JobAdvanced(Contract, type="job.advanced", version=1):
    job_id: str


class JobSettled(Contract, type="job.settled", version=1):
    job_id: str
"""
ADVANCE_JOBS = """\
from contracts.jobs import JobAdvanced
from tidegate import Context, function


@function
async def advance_jobs(advanced: JobAdvanced, ctx: Context) -> None:
    pass
"""
TELL_CLIENT = """\
from contracts.jobs import JobSettled
from tidegate import Context, function


@function
async def tell_client(settled: JobSettled, ctx: Context) -> None:
    pass
"""
FILES = {
    "infra/topology.yaml": TOPOLOGY,
    "infra/tidegate/__init__.py": "",
    "infra/tidegate/requirements.txt": "pydantic==2.14.3\n",
    "infra/contracts/__init__.py": "",
    "infra/contracts/orders.py": CONTRACTS,
    "functions/pack_order/main.py": PACK_ORDER,
    "functions/pack_order/weights.py": "WEIGHT = 250\n",
    "functions/pack_order/requirements.txt": "httpx==0.28.1\n",
    "functions/dead_letters/main.py": DEAD_LETTERS,
    "functions/dead_letters/requirements.txt": "",
}
HTTP_FILES = {
    "infra/topology.yaml": TOPOLOGY.replace("functions:", JOB_TOPICS + "functions:") + HTTP_TOPOLOGY,
    "infra/contracts/jobs.py": JOB_CONTRACTS,
    "functions/advance_jobs/main.py": ADVANCE_JOBS,
    "functions/advance_jobs/requirements.txt": "",
    "functions/tell_client/main.py": TELL_CLIENT,
    "functions/tell_client/requirements.txt": "",
    "functions/front_desk/main.py": FRONT_DESK,
    "functions/front_desk/greetings.py": "GREETING = 'ahoy'\n",
    "functions/front_desk/requirements.txt": "",
}


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A consistent project of two functions in a folder of its own, which is the working directory too."""
    _write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    # Edits within one second would otherwise be hidden by compiled files of the same age.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with contracts_kept():
        yield Project(tmp_path)


@pytest.fixture
def http_project(project: Project) -> Project:
    """The same project with an HTTP function beside the two, and what the jobs need that it accepts."""
    _write(project.root, HTTP_FILES)
    return project
