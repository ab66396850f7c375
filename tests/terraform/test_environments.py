"""Environments are what their lists say, and every knob they turn is described and checked."""

import re
from collections.abc import Callable

import pytest

from tests.terraform.inventory import ENVIRONMENTS, Inventory
from tests.terraform.plan import Plan
from tests.terraform.terraform import ROOT
from tidegate.topology import Topology

DECLARED = [
    pytest.param(block, id=f"{path.parent.name}.{name}")
    for path in sorted((ROOT / "terraform").rglob("*.tf"))
    for block, name in re.findall(r'(?ms)^(variable "(\w+)" \{.*?^\})', path.read_text())
]
# A type that leaves nothing to check.
CHECKED_BY_TYPE = "bool"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_what_its_list_says(
    environment: str, plan_of: Callable[[str], tuple[Plan, Topology]]
) -> None:
    """Its plan has as many resources of each type as the list, and the list's values."""
    plan, _ = plan_of(environment)
    listed = Inventory.read(environment)
    assert listed.of(plan) == listed, "if that is meant, write the lists anew: python -m tests.terraform.inventory"


@pytest.mark.parametrize("block", DECLARED)
def test_a_variable_is_described_and_checked(block: str) -> None:
    """Every variable has a description, a type and, where its type allows for anything wrong, a validation."""
    described, typed = (
        re.search(r'^  description = ".+\."$', block, re.MULTILINE),
        re.search(r"^  type +=", block, re.MULTILINE),
    )
    assert described
    assert typed
    assert "  validation {" in block or re.search(rf"^  type +?= {CHECKED_BY_TYPE}$", block, re.MULTILINE)
