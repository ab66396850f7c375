"""Says how many crates were landed when all there was to land had settled: the voyage's result."""

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from contracts.fleet import VoyageEnded
from tidegate import Context, Result, function


@function
async def end_voyage(ended: VoyageEnded, ctx: Context) -> Result:
    landings = ctx.firestore.collection("landings").where(filter=FieldFilter("voyage", "==", ended.voyage))
    landed = sum([each.get("times") async for each in landings.stream()])
    ctx.batch.set(ctx.firestore.document(f"ends/{ended.voyage}"), {"times": firestore.Increment(1)}, merge=True)
    return Result({"landed": landed})
