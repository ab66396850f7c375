"""The notes that people at the desk share, one per flight."""

from pydantic import Field

from contracts.flights import FlightId
from tidegate.contracts import Contract


class NoteEdited(Contract, type="note.edited", version=1):
    """Somebody rewrote a flight's note. Published with the flight as ordering key."""

    flight_id: FlightId
    base_version: int = Field(ge=0, description="The version that the editor saw; 0 where there was no note yet.")
    text: str = Field(max_length=20_000, description="The whole note, as the editor wants it; empty clears it.")
    editor: str = Field(min_length=1, max_length=100, description="Who wrote it.")
