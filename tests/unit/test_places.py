"""Places: which documents count a unit, and what travels in the event."""

from collections import Counter

import pytest

from tidegate.places import ARITY, Member, Place, Tally


def path(member: Member | None) -> list[Tally]:
    """The tallies from the one that counts ``member`` up to its node's own document."""
    found = []
    while member is not None:
        found.append(member.tally)
        member = member.above
    return found


def test_a_few_units_are_counted_by_their_node() -> None:
    """One document, which has no other above it."""
    assert path(Member("job", "node", 3, ARITY)) == [Tally("job", "node", ARITY, 0)]


@pytest.mark.parametrize("units", [1, ARITY, ARITY + 1, 1000, ARITY**2, ARITY**2 + 1, 10_000])
def test_every_tally_is_completed_by_its_members(units: int) -> None:
    """Counting each unit once completes every document, level by level, and none has more than its members."""
    level = [Member("job", "node", index, units) for index in range(units)]
    while level:
        counted = Counter(member.tally for member in level)
        assert all(count == tally.members <= ARITY for tally, count in counted.items())
        above = {member.tally: member.above for member in level}
        level = [each for each in above.values() if each is not None]
    assert [tally.document for tally in counted] == ["node"]


def test_neighbours_are_counted_by_different_documents() -> None:
    """They tend to settle together, and should not meet on one document."""
    documents = [Member("job", "node", index, 1000).tally.document for index in range(10)]
    assert len(set(documents)) == 10


def test_a_place_travels_in_the_attributes() -> None:
    """What is written is read back; each function has its own unit, and a stranger none."""
    place = Place("job", "node", 4, 6, ("count", "bill"))
    assert Place.read(place.attributes()) == place
    assert place.unit("count") == Member("job", "node", 4, 6)
    assert place.unit("bill") == Member("job", "node", 5, 6)
    assert place.unit("later") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"tidegate-job": ""},
        {"tidegate-job": "a/b"},
        {"tidegate-node": "jobs/x"},
        {"tidegate-member": "x"},
        {"tidegate-member": "5/6"},
        {"tidegate-member": "-1/6"},
        {"tidegate-awaits": ""},
    ],
)
def test_a_place_that_makes_no_sense_is_none(changes: dict[str, str]) -> None:
    """Anybody may write attributes; such an event is handled, and no job waits for it."""
    attributes = Place("job", "node", 4, 6, ("count", "bill")).attributes() | changes
    assert Place.read(attributes) is None
