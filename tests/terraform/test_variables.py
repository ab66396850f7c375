"""Every variable is described and checked."""

import re

import pytest

from tests.terraform.terraform import ROOT

DECLARED = [
    pytest.param(block, id=f"{path.parent.name}.{name}")
    for path in sorted((ROOT / "terraform").rglob("*.tf"))
    for block, name in re.findall(r'(?ms)^(variable "(\w+)" \{.*?^\})', path.read_text())
]
# A type that leaves nothing to check.
CHECKED_BY_TYPE = "bool"


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
