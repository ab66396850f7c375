"""What a diagnosis finds."""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """How much a finding matters: it is as it should be, it is worth knowing, or something does not work."""

    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what was looked at.
        said: how it is.
        remedy: what to do about it; empty where nothing has to be done.
    """

    weight: Weight
    subject: str
    said: str
    remedy: str = ""


def fine(subject: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(Weight.FINE, subject, said)


def note(subject: str, said: str, remedy: str = "") -> Finding:
    """It is worth knowing."""
    return Finding(Weight.NOTE, subject, said, remedy)


def problem(subject: str, said: str, remedy: str) -> Finding:
    """Something does not work, or will not."""
    return Finding(Weight.PROBLEM, subject, said, remedy)
