"""Where the nodes of a graph are drawn: in layers from top to bottom, so that what follows lies below.

After Sugiyama, Tagawa and Toda (1981): break cycles, take the longest path as the layer, let long edges pass through
places of their own, order each layer by what its nodes are joined to, and put each as near to that as there is room.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

_SWEEPS = 8
_PULLS = 200
_STRAIGHT = 50

NodeId = str
Link = tuple[NodeId, NodeId]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Sizes in pixels: of a node, and of the room between nodes and between layers."""

    width: float = 172
    height: float = 44
    beside: float = 24
    below: float = 48
    most_width: float = 1180


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge: the points that it passes, the first and the last on the borders of its nodes.

    Attributes:
        back: whether it leads upwards, and is drawn around.
    """

    source: NodeId
    target: NodeId
    points: tuple[tuple[float, float], ...]
    back: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """The upper left corners of the nodes, and the edges."""

    places: Mapping[NodeId, tuple[float, float]]
    curves: tuple[Curve, ...]
    width: float
    height: float


def draw(nodes: Sequence[NodeId], links: Iterable[Link], spacing: Spacing = Spacing()) -> Drawing:
    """Draw the graph; what hangs together first and largest, the rest beside it and below."""
    edges = [each for each in dict.fromkeys(links) if each[0] in nodes and each[1] in nodes]
    parts = [_drawn(part, [each for each in edges if each[0] in part], spacing) for part in _parts(nodes, edges)]
    parts.sort(key=lambda part: -part.height)  # stable: among equals the order of the nodes
    return _packed(parts, spacing)


def _parts(nodes: Sequence[NodeId], edges: Sequence[Link]) -> list[list[NodeId]]:
    """The nodes that hang together, each part in the order of ``nodes``."""
    joined: dict[NodeId, list[NodeId]] = {node: [node] for node in nodes}
    for source, target in edges:
        if joined[source] is not joined[target]:
            merged = [*joined[source], *joined[target]]
            for node in merged:
                joined[node] = merged
    parts = {id(part): part for part in (joined[node] for node in nodes)}
    return [[node for node in nodes if node in part] for part in parts.values()]


def _drawn(nodes: Sequence[NodeId], edges: Sequence[Link], spacing: Spacing) -> Drawing:
    """One part, with its upper left corner at the origin."""
    back = _back_edges(nodes, edges)
    layer = _layers(nodes, [each for each in edges if each not in back])
    rows, chains = _with_passages(layer, [each for each in edges if each not in back])
    above: dict[NodeId, list[NodeId]] = defaultdict(list)
    below: dict[NodeId, list[NodeId]] = defaultdict(list)
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            above[lower].append(upper)
            below[upper].append(lower)
    _order(rows, above, below)
    x = _columns(rows, above, below, spacing.width + spacing.beside)
    left = min(x.values())
    x = {node: float(round(at - left)) for node, at in x.items()}  # whole pixels keep borders sharp
    pitch = spacing.height + spacing.below
    places = {node: (x[node], layer[node] * pitch) for node in nodes}
    passages = {node: (x[node], row * pitch) for row, names in enumerate(rows) for node in names}
    curves = [Curve(*edge, _path(chain, passages, spacing)) for edge, chain in chains.items()]
    curves += [Curve(*edge, _around(*edge, places, spacing), back=True) for edge in edges if edge in back]
    width = max(at for at, _ in passages.values()) + spacing.width
    if back:
        width += spacing.beside  # for what is drawn around
    return Drawing(places, tuple(curves), width, (len(rows) - 1) * pitch + spacing.height)


def _back_edges(nodes: Sequence[NodeId], edges: Sequence[Link]) -> set[Link]:
    """Edges without which there is no cycle: those that a walk in depth finds to lead back to where it came from."""
    followers: dict[NodeId, list[NodeId]] = defaultdict(list)
    for source, target in edges:
        followers[source].append(target)
    done: set[NodeId] = set()
    back: set[Link] = set()
    for start in nodes:
        if start in done:
            continue
        path, ahead = [start], [iter(followers[start])]
        while path:
            following = next(ahead[-1], None)
            if following is None:
                done.add(path.pop())
                ahead.pop()
            elif following in path:
                back.add((path[-1], following))
            elif following not in done:
                path.append(following)
                ahead.append(iter(followers[following]))
    return back


def _layers(nodes: Sequence[NodeId], edges: Sequence[Link]) -> dict[NodeId, int]:
    """The length of the longest path to each node."""
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:  # as long as the longest path can be
        moved = False
        for source, target in edges:
            if layer[target] <= layer[source]:
                layer[target] = layer[source] + 1
                moved = True
        if not moved:
            break
    return layer


def _with_passages(
    layer: Mapping[NodeId, int], edges: Sequence[Link]
) -> tuple[list[list[NodeId]], dict[Link, list[NodeId]]]:
    """The layers, with a place in each that an edge passes through; and what each edge passes from end to end."""
    rows: list[list[NodeId]] = [[] for _ in range(max(layer.values()) + 1)]
    for node, at in layer.items():
        rows[at].append(node)
    chains: dict[Link, list[NodeId]] = {}
    for source, target in edges:
        passed = [f"{source}→{target}@{at}" for at in range(layer[source] + 1, layer[target])]
        for at, name in enumerate(passed, start=layer[source] + 1):
            rows[at].append(name)
        chains[source, target] = [source, *passed, target]
    return rows, chains


def _order(
    rows: list[list[NodeId]], above: Mapping[NodeId, list[NodeId]], below: Mapping[NodeId, list[NodeId]]
) -> None:
    """Order each row by the middle of what its nodes are joined to in the row before, downwards and upwards in turn.

    Of all the orders met on the way the one with the fewest crossings stays.
    """
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        joined = above if down else below
        numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for number in numbers:
            at = {node: place for place, node in enumerate(rows[number - 1 if down else number + 1])}
            middle = {
                node: _mean([at[each] for each in joined[node]]) if joined.get(node) else place
                for place, node in enumerate(rows[number])
            }
            rows[number].sort(key=middle.__getitem__)
        if (crossings := _crossings(rows, below)) < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _crossings(rows: Sequence[Sequence[NodeId]], below: Mapping[NodeId, list[NodeId]]) -> int:
    """How many pairs of edges between neighbouring rows cross."""
    count = 0
    for upper, lower in pairwise(rows):
        at = {node: place for place, node in enumerate(lower)}
        ends = [(place, at[each]) for place, node in enumerate(upper) for each in below.get(node, ())]
        count += sum(one[0] < other[0] and one[1] > other[1] for one in ends for other in ends)
    return count


def _columns(
    rows: Sequence[Sequence[NodeId]],
    above: Mapping[NodeId, list[NodeId]],
    below: Mapping[NodeId, list[NodeId]],
    pitch: float,
) -> dict[NodeId, float]:
    """Where each node stands: as near to the middle of its neighbours as its row leaves room."""
    x = {node: number * pitch for row in rows for number, node in enumerate(row)}

    def only_follows(upper: NodeId, lower: NodeId) -> bool:
        """Whether the one leads to nothing else, and the other follows nothing else: that is drawn straight."""
        return len(below[upper]) == 1 and len(above[lower]) == 1

    for sweep in range(_PULLS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for node in row:
                pulls = [(x[each], _STRAIGHT if only_follows(each, node) else 1) for each in above.get(node, ())]
                pulls += [(x[each], _STRAIGHT if only_follows(node, each) else 1) for each in below.get(node, ())]
                whole = sum(strength for _, strength in pulls)
                wanted.append(sum(at * strength for at, strength in pulls) / whole if whole else x[node])
            x.update(zip(row, _spread(wanted, pitch), strict=True))
    for row in rows:  # nearly straight by now
        wanted = [x[next((each for each in above.get(node, ()) if only_follows(each, node)), node)] for node in row]
        x.update(zip(row, _spread(wanted, pitch), strict=True))
    return x


def _spread(wanted: Sequence[float], pitch: float) -> list[float]:
    """The places nearest to those wanted, by squares, that keep the order and a distance: pooled where they collide."""
    pools: list[tuple[float, int]] = []  # (mean, how many)
    for number, place in enumerate(wanted):
        mean, count = place - number * pitch, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pools.append((mean, count))
    free = [mean for mean, count in pools for _ in range(count)]
    return [place + number * pitch for number, place in enumerate(free)]


def _path(
    chain: Sequence[NodeId], at: Mapping[NodeId, tuple[float, float]], spacing: Spacing
) -> tuple[tuple[float, float], ...]:
    """From the lower border of the first node to the upper border of the last, straight through each passage."""
    half = spacing.width / 2
    x, y = at[chain[0]]
    points = [(x + half, y + spacing.height)]
    for name in chain[1:-1]:
        x, y = at[name]
        points += [(x + half, y), (x + half, y + spacing.height)]
    x, y = at[chain[-1]]
    return (*points, (x + half, y))


def _around(
    source: NodeId, target: NodeId, at: Mapping[NodeId, tuple[float, float]], spacing: Spacing
) -> tuple[tuple[float, float], ...]:
    """From right border to right border."""
    (from_x, from_y), (to_x, to_y) = at[source], at[target]
    half = spacing.height / 2
    return (from_x + spacing.width, from_y + half), (to_x + spacing.width, to_y + half)


def _packed(parts: Sequence[Drawing], spacing: Spacing) -> Drawing:
    """The parts beside each other, each as high up as it fits without a part over another."""
    places: dict[NodeId, tuple[float, float]] = {}
    curves: list[Curve] = []
    free: list[tuple[float, float]] = []  # lower left corners of the columns: x, and the height that is taken
    widths: list[float] = []
    gap = spacing.beside * 2
    tallest = max((part.height for part in parts), default=0)
    for part in parts:
        column = next(
            (
                number
                for number, (_, taken) in enumerate(free)
                if taken + part.height <= tallest and part.width <= widths[number]
            ),
            None,
        )
        if column is None:
            right = free[-1][0] + widths[-1] + gap if free else 0.0
            if free and right + part.width > spacing.most_width:
                column = min(range(len(free)), key=lambda number: free[number][1])
                tallest = max(tallest, free[column][1] + part.height)
            else:
                free.append((right, 0.0))
                widths.append(part.width)
                column = len(free) - 1
        x, y = free[column]
        moved = _moved(part, x, y)
        places |= moved.places
        curves += moved.curves
        free[column] = (x, y + part.height + spacing.below)
        widths[column] = max(widths[column], part.width)
    width = max((x + wide for (x, _), wide in zip(free, widths, strict=True)), default=0)
    height = max((taken for _, taken in free), default=spacing.below) - spacing.below
    return Drawing(places, tuple(curves), width, height)


def _moved(part: Drawing, x: float, y: float) -> Drawing:
    places = {node: (left + x, top + y) for node, (left, top) in part.places.items()}
    curves = tuple(replace(each, points=tuple((px + x, py + y) for px, py in each.points)) for each in part.curves)
    return Drawing(places, curves, part.width, part.height)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
