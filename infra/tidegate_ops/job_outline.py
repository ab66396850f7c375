"""A job's tree for people: of many units that are alike only the first are shown, but all that failed."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tidegate_ops.job_tree import Branch, JobTree, Relation, State

_MOST_ALIKE = 10
_GRAVITY = tuple(State)


class Outline:
    """The rows of a tree: a unit, or what is said in place of many. With ``unfolded`` each that was read is one."""

    def __init__(self, tree: JobTree, *, unfolded: bool = False) -> None:
        self._roots = tree.roots
        self._unfolded = unfolded
        self._worst = _worst(tree)

    def first(self) -> list[Branch | str]:
        """The rows of the first level."""
        return self._rows(self._roots)

    def below(self, branch: Branch) -> list[Branch | str]:
        """The rows right below a unit."""
        return self._rows(branch.children, unread=branch.unread)

    def walk(self) -> Iterator[tuple[int, Branch | str]]:
        """(Depth, row) from top to bottom, 0 for the first level."""
        ahead: list[tuple[int, Branch | str]] = [(0, row) for row in reversed(self.first())]
        while ahead:
            depth, row = ahead.pop()
            yield depth, row
            if isinstance(row, Branch):
                ahead += [(depth + 1, each) for each in reversed(self.below(row))]

    def _rows(self, branches: Sequence[Branch], *, unread: int = 0) -> list[Branch | str]:
        rows: list[Branch | str] = []
        folded: Counter[State] = Counter()
        alike: Counter[tuple[str, Relation]] = Counter()
        for branch in branches:
            state, kind = self._worst[id(branch)], (branch.unit.function, branch.unit.relation)
            if state is State.FAILED or self._unfolded or alike[kind] < _MOST_ALIKE:
                rows.append(branch)
                alike[kind] += state is not State.FAILED
            else:
                folded[state] += 1
        told = [f"{folded[state]:,} more {spoken(state)}" for state in _GRAVITY if folded[state]]
        if unread:
            told.append(f"{unread:,} not read")
        if told:
            rows.append(f"… {', '.join(told)}")
        return rows


def spoken(state: State) -> str:
    """A state in words."""
    return "not yet delivered" if state is State.UNDELIVERED else state.value


def _worst(tree: JobTree) -> dict[int, State]:
    """By each branch's identity, the state of it and all below that needs attention most."""
    worst: dict[int, State] = {}
    for _, branch in reversed(list(tree.walk())):
        states = [branch.handling.state, *(worst[id(each)] for each in branch.children)]
        worst[id(branch)] = max(states, key=_GRAVITY.index)
    return worst
