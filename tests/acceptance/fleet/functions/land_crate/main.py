"""Counts how often a crate is landed, unless something is wrong with it."""

from google.cloud import firestore

from contracts import dying_closer
from contracts.fleet import FLEET, Crate
from tidegate import Context, Reject, Result, function

dying_closer.install()


@function
def land_crate(crate: Crate, ctx: Context) -> Result | None:
    if crate.spoiled and not (FLEET / f"mended-{crate.voyage}").exists():
        raise Reject("spoiled")
    if crate.lost and not (FLEET / f"found-{crate.voyage}").exists():
        raise Reject("lost")
    landing = ctx.firestore.document(f"landings/{crate.crate}")
    ctx.batch.set(landing, {"voyage": crate.voyage, "times": firestore.Increment(1)}, merge=True)
    return Result({"found": crate.crate}) if crate.lost else None
