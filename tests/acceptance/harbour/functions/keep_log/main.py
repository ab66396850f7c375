"""Appends to a ship's log, whose order is all that matters; a fatal entry takes the process down once."""

import os

from contracts.harbour import LogEntered
from contracts.witness import testify
from tidegate import Context, function


@function
async def keep_log(entry: LogEntered, ctx: Context) -> None:
    testify("keep_log", ctx, __file__)
    if entry.fatal and ctx.attempt == 1:
        os._exit(1)
    log = ctx.firestore.document(f"logs/{entry.ship}")
    written = (await log.get()).to_dict() or {"numbers": []}
    ctx.batch.set(log, {"numbers": [*written["numbers"], entry.number]})
