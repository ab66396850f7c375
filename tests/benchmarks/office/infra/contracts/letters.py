"""What happens to letters."""

from tidegate.contracts import Contract


class LetterPosted(Contract, type="letter.posted", version=1):
    letter: str
    copies: int
    text: str


class LetterCopied(Contract, type="letter.copied", version=1):
    letter: str
    number: int
