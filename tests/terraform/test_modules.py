"""The configuration's own tests: what it refuses to be asked for."""

import re

from tests.terraform.conftest import Runs
from tests.terraform.terraform import ROOT


def test_modules_refuse_what_cannot_be(runs: Runs) -> None:
    """`terraform test` passes, and has run every file."""
    said = runs.tests.result()
    files = {path.name for path in (ROOT / "terraform" / "tests").glob("*.tftest.hcl")}
    assert set(re.findall(r"tests/(\S+)\.\.\. pass", said)) == files
