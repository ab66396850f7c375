"""The configuration's own tests of its modules."""

import re

from tests.terraform.terraform import Configuration


def test_modules_pass_their_own_tests(configuration: Configuration) -> None:
    """`terraform test` passes, and has run every file."""
    said = configuration.run("test")
    files = {path.name for path in (configuration.folder / "tests").glob("*.tftest.hcl")}
    assert set(re.findall(r"tests/(\S+)\.\.\. pass", said)) == files
