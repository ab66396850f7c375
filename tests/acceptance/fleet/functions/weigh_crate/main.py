"""Weighs a crate once, however often it is announced."""

from google.cloud import firestore

from contracts import dying_closer
from contracts.fleet import FLEET, Crate
from tidegate import Context, Reject, function

dying_closer.install()


@function
async def weigh_crate(crate: Crate, ctx: Context) -> None:
    if crate.contraband and not (FLEET / f"mended-{crate.voyage}").exists():
        raise Reject("contraband")
    ctx.batch.set(ctx.firestore.document(f"weights/{crate.crate}"), {"times": firestore.Increment(1)}, merge=True)
