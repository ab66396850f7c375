"""The configuration's own tests: what it refuses to be asked for."""

import re

from tests.terraform.terraform import Configuration


def test_modules_refuse_what_cannot_be(configuration: Configuration) -> None:
    """`terraform test` passes, and has run every file."""
    said = configuration.run("test")
    files = {path.name for path in (configuration.folder / "tests").glob("*.tftest.hcl")}
    assert set(re.findall(r"tests/(\S+)\.\.\. pass", said)) == files
