"""The rebooking partner in memory: honours idempotency keys, and may be slow, refuse, or fail."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.simulation.faults import Chaos, Process

DOOMED, LETHAL = "UA7", "UA8"
"""How the ids of flights begin that cannot be booked until the partner is mended."""


@dataclass
class Partner:
    """What the partner has booked.

    Attributes:
        bookings: idempotency key → flight id.
        mended: until then, it fails on every doomed flight, and takes the process down with a lethal one.
        on_call: is told that a call begins.
    """

    chaos: Chaos
    bookings: dict[str, str] = field(default_factory=dict)
    mended: bool = False
    on_call: Callable[[], None] = lambda: None

    def transport(self, asking: Callable[[], Process]) -> httpx.AsyncBaseTransport:
        """What HTTP clients send through to end up here; ``asking`` says which process it is."""

        async def handle(request: httpx.Request) -> httpx.Response:
            process = asking()
            self.on_call()
            return await self.chaos.io(
                process, "POST /bookings", lambda: self._book(request, process), httpx.ConnectError
            )

        return httpx.MockTransport(handle)

    async def _book(self, request: httpx.Request, process: Process) -> httpx.Response:
        await asyncio.sleep(0.02)
        key = request.headers["Idempotency-Key"]
        flight: str = json.loads(request.content)["flight_id"]
        if not self.mended and DOOMED in flight:
            return httpx.Response(500)
        if not self.mended and LETHAL in flight:
            process.die()
            await asyncio.get_running_loop().create_future()
        if self.bookings.setdefault(key, flight) != flight:
            return httpx.Response(422, text="key reused with another body")
        return httpx.Response(201, json={"reference": f"REF-{key[:8]}"})
