"""What a local stack does with its functions' lines."""

import sys

import pytest

from tidegate_ops.insight.line_file import LineFile
from tidegate_ops.local_stack import LocalStack
from tidegate_ops.project import Project


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a device that is always full")
def test_a_full_disk_holds_up_no_function(project: Project) -> None:
    """Lines are shown as before; that they are kept no longer is said once."""
    told: list[tuple[str, str]] = []
    stack = LocalStack(project, on_line=lambda component, line: told.append((component, line)))
    project.build_dir.mkdir()
    stack._lines = LineFile(project.build_dir, segment_bytes=0)
    (project.build_dir / "lines" / "000000001.ndjson").symlink_to("/dev/full")
    for line in ("first", "second"):
        stack._note("pack_order", line)
    [first, (component, said), second] = told
    assert (first, second) == (("pack_order", "first"), ("pack_order", "second"))
    assert component == "tidegate"
    assert said.startswith("lines are no longer kept for `tidegate logs`: [Errno 28] No space left")
