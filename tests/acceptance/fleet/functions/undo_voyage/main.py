"""Notes what was undone, in order: one follows the other, so that nobody else writes meanwhile."""

from contracts.fleet import VoyageUndone
from tidegate import Context, function


@function
async def undo_voyage(undone: VoyageUndone, ctx: Context) -> None:
    document = ctx.firestore.document(f"undone/{undone.voyage}")
    found = (await document.get()).to_dict() or {"numbers": []}
    ctx.batch.set(document, {"numbers": [*found["numbers"], undone.number]})
