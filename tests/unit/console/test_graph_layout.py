"""Where the nodes of the topology are drawn."""

from itertools import combinations, pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_ops.console.graph_layout import Drawing, Spacing, draw
from tidegate_ops.console.topology_graph import TopologyGraph
from tidegate_ops.project import Project

SPACING = Spacing()
NAMES = "abcdefgh"


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    """The pairs of nodes of which one is drawn over the other."""
    return [
        (one, other)
        for (one, (x, y)), (other, (u, v)) in combinations(drawing.places.items(), 2)
        if abs(x - u) < SPACING.width and abs(y - v) < SPACING.height
    ]


def test_what_follows_lies_below() -> None:
    """A chain is straight, from top to bottom."""
    places = draw("abc", [("a", "b"), ("b", "c")]).places
    assert len({x for x, _ in places.values()}) == 1
    assert places["a"][1] < places["b"][1] < places["c"][1]


def test_edges_do_not_cross_where_they_need_not() -> None:
    """Whatever order the nodes are named in."""
    places = draw("abcdefg", [("a", "c"), ("a", "b"), ("b", "d"), ("c", "e"), ("c", "f"), ("f", "g")]).places
    assert (places["b"][0] < places["c"][0]) == (places["d"][0] < places["e"][0])
    assert (places["b"][0] < places["c"][0]) == (places["d"][0] < places["f"][0])


def test_a_loop_leads_around() -> None:
    """The edge that leads back is drawn outside; a node may lead to itself."""
    curves = {(each.source, each.target): each.back for each in draw("ab", [("a", "b"), ("b", "a"), ("b", "b")]).curves}
    assert curves == {("a", "b"): False, ("b", "a"): True, ("b", "b"): True}


def test_a_long_edge_keeps_clear_of_what_lies_between() -> None:
    """It passes the layer at a place of its own."""
    drawing = draw("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    [curve] = [each for each in drawing.curves if (each.source, each.target) == ("a", "c")]
    assert abs(curve.points[1][0] - (drawing.places["b"][0] + SPACING.width / 2)) >= SPACING.width


def test_nothing_to_draw() -> None:
    """An empty topology is an empty picture."""
    assert draw([], []).places == {}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=14))
def test_any_graph_is_drawn_without_nodes_over_each_other(links: list[tuple[str, str]]) -> None:
    """Every node once, every edge once, downwards but for those that close a loop; all within the picture."""
    drawing = draw(list(NAMES), links)
    assert set(drawing.places) == set(NAMES)
    assert overlapping(drawing) == []
    assert {(each.source, each.target) for each in drawing.curves} == set(links)
    for each in drawing.curves:
        assert each.back or all(upper[1] <= lower[1] for upper, lower in pairwise(each.points))
    assert all(0 <= x <= drawing.width - SPACING.width for x, _ in drawing.places.values())
    assert all(0 <= y <= drawing.height - SPACING.height for _, y in drawing.places.values())


def test_the_desk_fits_the_screen() -> None:
    """The reference application needs no scrolling to the side, and none of its edges cross."""
    graph = TopologyGraph(Project.find(Path(__file__).parent).topology())
    assert graph._drawing.width <= SPACING.most_width
    assert overlapping(graph._drawing) == []
