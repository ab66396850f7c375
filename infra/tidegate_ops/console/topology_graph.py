"""The topology as a picture: topics and functions, and what goes from one to the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from tidegate.topology import Topology
from tidegate_ops.console.function_state import FunctionState, Tone
from tidegate_ops.console.graph_layout import Curve, Spacing, draw
from tidegate_ops.insight.traffic import Traffic

_SPACING = Spacing()
_BORDER = 12
_MOST_CHARACTERS = 22


class NodeKind(StrEnum):
    """What a node stands for."""

    TOPIC = "topic"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """A topic or a function, at its upper left corner.

    Attributes:
        label: its name, shortened where it is too long.
        facts: the second line: the rate of a topic, the state of a function.
        title: what is said of it to those who cannot see the picture.
        dead: how many of its events lie dead.
    """

    kind: NodeKind
    name: str
    label: str
    address: str
    x: float
    y: float
    tone: Tone
    facts: str
    title: str
    dead: int = 0


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """What goes from one node to another.

    Attributes:
        path: as SVG writes it.
        rate: deliveries a second; None where it is not known, or told elsewhere.
        waiting: None likewise.
        x, y: where both are written.
        flows: whether something goes there now.
    """

    path: str
    rate: float | None
    waiting: int | None
    x: float
    y: float
    flows: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it, with the size of the whole and of a node."""

    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    width: float
    height: float
    node_width: float = _SPACING.width
    node_height: float = _SPACING.height


class TopologyGraph:
    """The places are found once; what goes on is drawn each time."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._drawing = draw(
            [*map(_topic, topology.topics), *map(_function, topology.functions)], list(_links(topology)), _SPACING
        )
        self._accepted = {topic for each in topology.http_functions.values() for topic in each.accepts}

    def picture(self, states: Mapping[str, FunctionState], traffic: Traffic | None, dead: Mapping[str, int]) -> Picture:
        """The picture of this moment."""
        published = traffic.published if traffic else {}
        nodes = [
            *(self._topic_node(name, published.get(name)) for name in self._topology.topics),
            *(self._function_node(name, states[name], dead.get(name, 0)) for name in self._topology.functions),
        ]
        edges = tuple(self._edge(curve, states, published) for curve in self._drawing.curves)
        size = self._drawing.width + 2 * _BORDER, self._drawing.height + 2 * _BORDER
        return Picture(tuple(nodes), edges, *size)

    def _topic_node(self, name: str, rate: float | None) -> DrawnNode:
        x, y = self._place(_topic(name))
        accepted = name in self._accepted
        title = f"Topic {name}{', accepted at the front door' if accepted else ''}"
        tone = Tone.GOOD if rate else Tone.CALM
        facts = "front door" if accepted else "topic"
        return DrawnNode(NodeKind.TOPIC, name, _cut(name), f"/topics/{quote(name)}", x, y, tone, facts, title)

    def _function_node(self, name: str, state: FunctionState, dead: int) -> DrawnNode:
        x, y = self._place(_function(name))
        title = f"Function {name}, {state.word}{f', {dead} dead letters' if dead else ''}"
        address = f"/functions/{quote(name)}"
        return DrawnNode(NodeKind.FUNCTION, name, _cut(name), address, x, y, state.tone, state.word, title, dead)

    def _edge(self, curve: Curve, states: Mapping[str, FunctionState], published: Mapping[str, float]) -> DrawnEdge:
        points = [(x + _BORDER, y + _BORDER) for x, y in curve.points]
        (from_x, from_y), (to_x, to_y) = points[-2], points[-1]
        kind, _, name = curve.target.partition(":")
        if kind == NodeKind.TOPIC:
            flows = bool(published.get(name))
            return DrawnEdge(_drawn(curve, points), None, None, 0, 0, flows, held=False)
        state = states[name]
        rate = state.traffic.per_second if state.traffic else None
        middle = (from_x + to_x) / 2, (from_y + to_y) / 2
        held = state.tone in (Tone.WAIT, Tone.BAD)
        return DrawnEdge(_drawn(curve, points), rate, state.waiting, *middle, flows=bool(rate), held=held)

    def _place(self, node: str) -> tuple[float, float]:
        x, y = self._drawing.places[node]
        return x + _BORDER, y + _BORDER


def _links(topology: Topology) -> Iterator[tuple[str, str]]:
    for name, function in topology.functions.items():
        yield _topic(function.topic), _function(name)
        for topic in function.emits:
            yield _function(name), _topic(topic)


def _drawn(curve: Curve, points: list[tuple[float, float]]) -> str:
    """The curve as SVG writes it: upright where it leaves and arrives, or around the right side."""
    (x, y), *rest = points
    path = f"M{x:g} {y:g}"
    if curve.back:
        [(to_x, to_y)] = rest
        out = max(x, to_x) + _SPACING.beside
        return f"{path}C{out:g} {y:g} {out:g} {to_y:g} {to_x:g} {to_y:g}"
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        path += f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
        x, y = to_x, to_y
    return path


def _topic(name: str) -> str:
    return f"{NodeKind.TOPIC}:{name}"


def _function(name: str) -> str:
    return f"{NodeKind.FUNCTION}:{name}"


def _cut(name: str) -> str:
    return name if len(name) <= _MOST_CHARACTERS else f"{name[: _MOST_CHARACTERS - 1]}…"
