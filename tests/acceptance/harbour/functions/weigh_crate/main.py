"""Weighs a crate as soon as the test lets it."""

import asyncio

from google.cloud import firestore

from contracts.harbour import CrateQueued
from contracts.witness import HARBOUR, testify
from tidegate import Context, function


@function
async def weigh_crate(queued: CrateQueued, ctx: Context) -> None:
    testify("weigh_crate", ctx, __file__)
    while not (HARBOUR / f"open-{queued.crate}").exists():  # noqa: ASYNC110 - the test is another process
        await asyncio.sleep(0.02)
    ctx.batch.set(ctx.firestore.document(f"scales/{queued.crate}"), {"weighed": firestore.Increment(1)}, merge=True)
