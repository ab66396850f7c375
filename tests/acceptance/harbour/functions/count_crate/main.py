"""Counts a ship's crates."""

from google.cloud import firestore

from contracts.harbour import CrateUnloaded
from tidegate import Context, function


@function
async def count_crate(crate: CrateUnloaded, ctx: Context) -> None:
    ship = ctx.firestore.collection("ships").document(crate.ship)
    ctx.batch.set(ship, {f"crate-{crate.number}": firestore.Increment(1)}, merge=True)
