"""Does not end before the test lets it."""

import asyncio

from google.cloud import firestore

from contracts.fleet import FLEET, QuayHeld
from tidegate import Context, function


@function
async def hold_quay(held: QuayHeld, ctx: Context) -> None:
    for _ in range(40):
        if (FLEET / f"open-{held.voyage}").exists():
            ctx.batch.set(ctx.firestore.document(f"quays/{held.voyage}"), {"times": firestore.Increment(1)}, merge=True)
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the quay is not open yet")
