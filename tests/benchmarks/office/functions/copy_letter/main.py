"""Makes as many copies of a letter as it asks for."""

from contracts.letters import LetterCopied, LetterPosted
from tidegate import Context, function


@function
async def copy_letter(letter: LetterPosted, ctx: Context) -> list[LetterCopied]:
    return [LetterCopied(letter=letter.letter, number=number) for number in range(letter.copies)]
