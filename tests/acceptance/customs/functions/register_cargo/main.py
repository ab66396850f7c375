"""Counts declarations."""

from google.cloud import firestore

from contracts.customs import CargoDeclared
from tidegate import Context, function


@function
async def register_cargo(declared: CargoDeclared, ctx: Context) -> None:
    books = ctx.firestore.document(f"registered/{declared.cargo}")
    ctx.batch.set(books, {"times": firestore.Increment(1)}, merge=True)
