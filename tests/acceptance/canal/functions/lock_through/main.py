"""Lets barges through once the lock is open."""

import asyncio
import os
from pathlib import Path

from google.cloud import firestore

from contracts.canal import BargeArrived
from tidegate import Context, function

OPEN = Path(os.environ.get("CANAL_DIR", "none")) / "open"


@function
async def lock_through(arrived: BargeArrived, ctx: Context) -> None:
    for _ in range(40):
        if OPEN.exists():
            passed = ctx.firestore.document(f"barges/{arrived.barge}")
            ctx.batch.set(passed, {"times": firestore.Increment(1)}, merge=True)
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the lock is not open yet")
