"""The rebooking partner of the demo: a small HTTP service that is slow and flaky on purpose.

Its log is the only honest witness of how often passengers were really rebooked. It never ships.

``python -m tidegate_ops.demo.partner --failure-rate 0.1`` runs it; `Partner` does so for a with block.
"""

import asyncio
import json
import random
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Annotated, Any, Self

import httpx
import typer
import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tidegate_ops.processes import ManagedProcess

_START_SECONDS = 30
_ASK_SECONDS = 30


class Settings(BaseModel):
    """How badly the partner behaves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failure_rate: float = Field(default=0.0, ge=0, le=1)
    latency_ms: float = Field(default=0.0, ge=0)
    honour_idempotency: bool = True
    down: bool = False


@dataclass(slots=True)
class Booking:
    """Seats that were really booked.

    Attributes:
        calls: how many calls this booking was the outcome of, answered or lost.
    """

    key: str
    flight_id: str
    reference: str
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Calls:
    """How often the partner was called, and how many of that it refused because it was down."""

    all: int = 0
    refused: int = 0


class Desk:
    """The partner's own state: settings, bookings, calls, and the dice."""

    def __init__(self, settings: Settings, rng: random.Random) -> None:
        self.settings = settings
        self.bookings: list[Booking] = []
        self.calls = Calls()
        self._stored: dict[str, tuple[bytes, Booking]] = {}
        self._rng = rng

    def book(self, key: str, body: bytes) -> tuple[int, dict[str, str]]:
        """Decide one call; returns the HTTP status and the answer.

        A failing call fails with equal odds before the booking and after it: then the seats are
        booked and the caller does not know.
        """
        down = self.settings.down
        self.calls = Calls(self.calls.all + 1, self.calls.refused + down)
        if down:
            return 503, {"error": "closed for maintenance"}
        fate = self._rng.random()
        if fate < self.settings.failure_rate / 2:
            return 500, {"error": "failed before booking"}
        flight_id = _flight_id(body)
        if not flight_id:
            return 400, {"error": 'expected a JSON object with "flight_id"'}
        if self.settings.honour_idempotency and not key:
            return 400, {"error": "expected the header Idempotency-Key"}
        stored_body, booking = self._stored.get(key, (body, None))
        if self.settings.honour_idempotency and stored_body != body:
            return 422, {"error": "this Idempotency-Key was used with another body"}
        if self.settings.honour_idempotency and booking:
            booking.calls += 1
        else:
            booking = self._add(key, flight_id, body)
        if fate < self.settings.failure_rate:
            return 500, {"error": "failed after booking"}
        return 201, {"reference": booking.reference, "flight_id": flight_id}

    def _add(self, key: str, flight_id: str, body: bytes) -> Booking:
        booking = Booking(key, flight_id, f"RB{len(self.bookings) + 1:06}")
        self.bookings.append(booking)
        self._stored[key] = (body, booking)
        return booking


def make_app(desk: Desk) -> Starlette:
    """The partner's HTTP interface."""

    async def post_booking(request: Request) -> JSONResponse:
        body = await request.body()
        await asyncio.sleep(desk.settings.latency_ms / 1000)
        status, answer = desk.book(request.headers.get("idempotency-key", ""), body)
        return JSONResponse(answer, status)

    async def get_log(request: Request) -> JSONResponse:
        return JSONResponse([asdict(booking) for booking in desk.bookings])

    async def get_calls(request: Request) -> JSONResponse:
        return JSONResponse(asdict(desk.calls))

    async def put_settings(request: Request) -> JSONResponse:
        """Change the settings that the body names; the others stay."""
        try:
            changed = {**desk.settings.model_dump(), **await request.json()}
            desk.settings = Settings.model_validate(changed)
        except (ValidationError, ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse(desk.settings.model_dump())

    return Starlette(
        routes=[
            Route("/bookings", post_booking, methods=["POST"]),
            Route("/log", get_log),
            Route("/calls", get_calls),
            Route("/settings", put_settings, methods=["PUT"]),
        ]
    )


class Partner:
    """The partner as a process of its own, for the length of a with block::

    with Partner(failure_rate=0.1, seed=7) as partner:
        ... partner.url ...
        partner.log()
    """

    def __init__(
        self,
        *,
        failure_rate: float = 0.0,
        latency_ms: float = 0.0,
        honour_idempotency: bool = True,
        seed: int = 0,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        options = [f"--failure-rate={failure_rate}", f"--latency-ms={latency_ms}", f"--seed={seed}"]
        honour = "--honour-idempotency" if honour_idempotency else "--ignore-idempotency"
        self._process = ManagedProcess(
            "partner", [sys.executable, "-m", "tidegate_ops.demo.partner", *options, honour], on_line=on_line
        )
        self.url = ""
        """Its address, once the block is entered."""

    def log(self) -> list[Booking]:
        """Every booking that was made, in order, whether or not its answer arrived."""
        answer = httpx.get(f"{self.url}/log", timeout=_ASK_SECONDS).raise_for_status()
        return [Booking(**entry) for entry in answer.json()]

    def calls(self) -> Calls:
        """How often it was called so far."""
        return Calls(**httpx.get(f"{self.url}/calls", timeout=_ASK_SECONDS).raise_for_status().json())

    def adjust(self, **settings: float | bool) -> None:
        """Change some of its `Settings` while it runs, such as ``down=True``."""
        httpx.put(f"{self.url}/settings", json=settings, timeout=_ASK_SECONDS).raise_for_status()

    def __enter__(self) -> Self:
        self._process.start()
        try:
            self._process.wait_ready(self._listens, _START_SECONDS)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()

    def _listens(self) -> bool:
        """Whether it has printed the line that names its port."""
        line = next((each for each in self._process.last_lines if each.startswith('{"port"')), "")
        if line:
            self.url = f"http://127.0.0.1:{json.loads(line)['port']}"
        return bool(line)


def _flight_id(body: bytes) -> str:
    try:
        request: Any = json.loads(body)
    except ValueError:
        return ""
    flight_id = request.get("flight_id") if isinstance(request, dict) else None
    return flight_id if isinstance(flight_id, str) else ""


def main(
    port: Annotated[int, typer.Option(help="Loopback port; 0 lets the system choose.")] = 0,
    failure_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that fail.")] = 0.0,
    latency_ms: Annotated[float, typer.Option(min=0, help="Wait before each booking.")] = 0.0,
    honour_idempotency: Annotated[
        bool,
        typer.Option("--honour-idempotency/--ignore-idempotency", help="Whether a repeated key books only once."),
    ] = True,
    seed: Annotated[int, typer.Option(help="Decides which calls fail.")] = 0,
) -> None:
    """Run the rebooking partner; the first line it prints is {"port": N}."""
    settings = Settings(failure_rate=failure_rate, latency_ms=latency_ms, honour_idempotency=honour_idempotency)
    desk = Desk(settings, random.Random(seed))  # noqa: S311 - which calls fail is no secret
    listener = socket.create_server(("127.0.0.1", port))
    # The socket listens already: a call that comes before uvicorn is up waits in its queue.
    typer.echo(json.dumps({"port": listener.getsockname()[1]}))
    config = uvicorn.Config(make_app(desk), log_level="warning", lifespan="off", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    typer.run(main)
