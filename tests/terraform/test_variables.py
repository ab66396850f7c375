"""Every variable is described and checked, and every check refuses something."""

import json
import re
from pathlib import Path

import pytest

from tests.terraform.applications import Application
from tests.terraform.composition import Composition
from tests.terraform.refusals import WHOLE, refusals
from tests.terraform.terraform import ROOT, Configuration, TerraformFailed

FILES = sorted((ROOT / "terraform").rglob("*.tf"))
DECLARED = [
    pytest.param(block, id=f"{path.parent.name}.{name}")
    for path in FILES
    for block, name in re.findall(r'(?ms)^(variable "(\w+)" \{.*?^\})', path.read_text())
]
# A type that leaves nothing to check.
CHECKED_BY_TYPE = "bool"
REFUSAL = re.compile(rf"(.+)\n\nThis was checked by the validation rule at {WHOLE}/(\S+?):[\d,-]+\.")


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


def test_every_check_refuses_something(configuration: Configuration, bare: Application, tmp_path: Path) -> None:
    """No module takes what its checks are there to keep out, and it says so."""
    composition = Composition(tmp_path)
    composition.source(Path(WHOLE).parts[0])
    refusing = composition.of(refusals(bare))
    with pytest.raises(TerraformFailed) as failure:
        refusing.run("plan", "-json", "-input=false", "-lock=false")
    lines = [json.loads(line) for line in failure.value.said.splitlines()]
    details = [each["diagnostic"]["detail"] for each in lines if each["type"] == "diagnostic"]
    said = {(found[2], found[1]) for found in map(REFUSAL.fullmatch, details) if found}
    assert said == {
        (path.relative_to(ROOT / "terraform").as_posix(), message)
        for path in FILES
        for message in re.findall(r'^    error_message = "(.+)"$', path.read_text(), re.MULTILINE)
    }
