"""Files what the other functions gave up on, so that an operator can find, mend and redrive it."""

from collections.abc import Iterator

from google.cloud import firestore
from google.cloud.firestore import AsyncDocumentReference

from tidegate import Context, function
from tidegate.dead_letters import DeadLetter

PIECE_BYTES = 900_000
"""A Firestore document holds 1 MiB; a message of Pub/Sub up to 10 MB."""


@function
async def dead_letters(letter: DeadLetter, ctx: Context) -> None:
    """File one dead letter under what died; a later death of the same event, after a redrive, replaces it."""
    if letter.backstop and await ctx.resume(letter):
        return  # its function had committed and only not published: now it has, nothing is dead
    document = ctx.firestore.collection("dead_letters").document(letter.key)
    if letter.backstop and await _is_filed(document, letter):
        return  # by its function, which knew why
    # The payload's pieces are named by what they hold, so writing them twice is harmless; together
    # they could exceed what one commit takes.
    count = 0
    for piece in pieces(letter.data):
        await document.collection("payload").document(f"{count:03}").set({"data": piece})
        count += 1
    ctx.batch.set(
        document,
        {
            "state": "open",
            "function": letter.function,
            "event_id": letter.event_id,
            "event_type": letter.event_type,
            "fault": str(letter.fault),
            "reason": letter.reason,
            "attempts": letter.attempts,
            "redrive": letter.redrive,
            # Not as a map: Pub/Sub takes names that Firestore refuses for fields, such as __trace__.
            "attributes": [{"name": name, "value": value} for name, value in letter.attributes.items()],
            "bytes": len(letter.data),
            "pieces": count,
            "died_at": letter.died_at,
            "filed_at": firestore.SERVER_TIMESTAMP,
        },
    )


async def _is_filed(document: AsyncDocumentReference, letter: DeadLetter) -> bool:
    """Whether this death is on file, or a later one."""
    filed = (await document.get()).to_dict()
    return filed is not None and filed["redrive"] >= letter.redrive


def pieces(data: bytes) -> Iterator[bytes]:
    """The payload in pieces that each fit into a document."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]
