"""Finds no buyer, ever."""

from contracts.harbour import CargoOffered
from contracts.witness import testify
from tidegate import Context, function


@function
def sell_cargo(offer: CargoOffered, ctx: Context) -> None:
    testify("sell_cargo", ctx, __file__)
    ctx.batch.set(ctx.firestore.document(f"sales/{offer.cargo}"), {"sold": True})
    raise LookupError(f"nobody buys {offer.cargo}")
