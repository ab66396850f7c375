"""The rules find the faults in configurations that are full of them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import GeneratorType

import pytest

from tests.terraform import rules
from tests.terraform.applications import Application
from tests.terraform.mutations import COPIES
from tests.terraform.plan import Plan
from tests.terraform.rules import RULES, Rule

Place = tuple[str, int]
"""A file of rules, and a line of it."""


@pytest.mark.parametrize(
    ("copy", "rule", "complaint"), [(name, each[0], each[-1]) for name, copy in COPIES.items() for each in copy]
)
def test_a_rule_finds_its_fault(
    copy: str, rule: Rule, complaint: str, faulty: dict[str, Plan], small: Application
) -> None:
    """Every rule complains of the change that breaks it."""
    assert [fault for fault in rule(faulty[copy], small.topology) if fault.startswith(complaint)] != []


def test_every_assertion_has_been_broken(faulty: dict[str, Plan], small: Application) -> None:
    """No line of a rule that can complain is believed without having seen it do so."""
    folder = Path(rules.__file__).parent
    can = {
        (path.name, node.lineno)
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Yield | ast.YieldFrom)
    }
    did = {place for plan in faulty.values() for rule in RULES for place in _complaints(rule(plan, small.topology))}
    assert can - did == set()


def _complaints(rule: Iterator[str]) -> Iterator[Place]:
    """Where each complaint comes from: its own line, and those that hand it on."""
    for _ in rule:
        each: object = rule
        while isinstance(each, GeneratorType):
            if frame := each.gi_frame:
                yield Path(frame.f_code.co_filename).name, frame.f_lineno
            each = each.gi_yieldfrom
