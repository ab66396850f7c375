"""What is made when it is first used."""

from tidegate.late import late


def test_made_once_and_not_before() -> None:
    """Nothing is made until a method is called; then all calls meet the same one."""
    made: list[list[str]] = []

    def make() -> list[str]:
        made.append([])
        return made[-1]

    letters = late(make)
    assert made == []
    letters.append("a")
    letters.append("b")
    assert made == [["a", "b"]]
