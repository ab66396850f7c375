"""Clears cargo, once there is a stamp."""

import os
from pathlib import Path

from google.cloud import firestore

from contracts.customs import CargoCleared, CargoDeclared
from tidegate import Context, Reject, function

STAMP = Path(os.environ.get("CUSTOMS_STAMP", "none"))


@function
def clear_cargo(declared: CargoDeclared, ctx: Context) -> CargoCleared:
    if not STAMP.exists():
        raise Reject("the stamp is broken")
    books = ctx.firestore.document(f"cleared/{declared.cargo}")
    ctx.batch.set(books, {"times": firestore.Increment(1)}, merge=True)
    return CargoCleared(cargo=declared.cargo)
