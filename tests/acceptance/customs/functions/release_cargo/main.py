"""Counts releases."""

from google.cloud import firestore

from contracts.customs import CargoCleared
from tidegate import Context, function


@function
async def release_cargo(cleared: CargoCleared, ctx: Context) -> None:
    books = ctx.firestore.document(f"released/{cleared.cargo}")
    ctx.batch.set(books, {"times": firestore.Increment(1)}, merge=True)
