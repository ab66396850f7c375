"""The same as copy_letter, declared as pure."""

from contracts.letters import LetterCopied, LetterPosted
from tidegate import Context, function


@function(pure=True)
async def read_letter(letter: LetterPosted, ctx: Context) -> list[LetterCopied]:
    return [LetterCopied(letter=letter.letter, number=number) for number in range(letter.copies)]
