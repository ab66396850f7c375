"""The architecture page names what there is."""

from pathlib import Path

from tests.docs.markdown import Page
from tidegate.service import _STATUS
from tidegate.verdicts import Verdict

PAGE = Page.read(Path(__file__).parents[2] / "docs" / "architecture.md")
TABLE = PAGE.section("Verdicts and HTTP statuses").rows("verdict")


def test_verdicts_are_as_described() -> None:
    """Every verdict is in the table, with the status it is answered with and what Pub/Sub makes of it."""
    described = {row[0].strip("`"): (int(row[1]), row[2]) for row in TABLE}
    assert described == {str(each): (_STATUS[each], "acks" if each.acked else "delivers again") for each in Verdict}
