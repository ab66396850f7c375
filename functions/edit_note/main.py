"""Keep one shared note per flight: no edit is lost, none overwrites what its editor has not seen.

The rule: an edit stands if its ``base_version`` is the note's version; of two edits of the same
version, the first in order stands. Any other edit is a conflict: the note keeps its text, and the
edit is filed beside it with both texts. People settle it by a further edit.

    notes/{flight_id}                      version, text, editor, conflicts (how many are filed)
    notes/{flight_id}/versions/{version}   every text that ever stood
    notes/{flight_id}/conflicts/{key}      every edit that did not, and what stood against it
"""

from typing import Any

from contracts.notes import NoteEdited
from tidegate import Context, function

NO_NOTE: dict[str, Any] = {"version": 0, "text": "", "editor": "", "conflicts": 0}


@function
async def edit_note(edit: NoteEdited, ctx: Context) -> None:
    """Apply one edit to the note as it is now, or file it as a conflict.

    The note is written only as it was read. Whoever loses a race for it, such as an edit that was
    published without its ordering key, is run again on what the winner wrote.
    """
    document = ctx.firestore.collection("notes").document(edit.flight_id)
    found = await document.get()
    note = found.to_dict() or NO_NOTE
    entry = {"text": edit.text, "editor": edit.editor, "edited_at": ctx.event.time}
    if edit.base_version == note["version"]:
        version = note["version"] + 1
        note = {**note, "version": version, "text": edit.text, "editor": edit.editor}
        ctx.batch.create(document.collection("versions").document(f"{version:06}"), entry)
    else:
        current = {name: note[name] for name in ("version", "text", "editor")}
        note = {**note, "conflicts": note["conflicts"] + 1}
        ctx.batch.create(
            # An event's id may hold a slash, which no document's name may.
            document.collection("conflicts").document(ctx.idempotency_key("conflict")),
            {**entry, "base_version": edit.base_version, "current": current},
        )
    if found.exists:
        as_read = ctx.firestore.write_option(last_update_time=found.update_time)
        ctx.batch.update(document, note, option=as_read)
    else:
        ctx.batch.create(document, note)
