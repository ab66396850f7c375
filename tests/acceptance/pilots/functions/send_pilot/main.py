"""Counts the pilots who are sent."""

from google.cloud import firestore

from contracts.pilots import PilotCalled
from tidegate import Context, function


@function
async def send_pilot(called: PilotCalled, ctx: Context) -> None:
    books = ctx.firestore.document(f"pilots/{called.ship}")
    ctx.batch.set(books, {"times": firestore.Increment(1)}, merge=True)
