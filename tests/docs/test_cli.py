"""The reference of the commands is what the commands say of themselves."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = "typer tidegate_ops.cli utils docs --name tidegate --output docs/cli.md"


def test_the_reference_is_up_to_date() -> None:
    """Made by typer itself."""
    program, *arguments = COMMAND.partition(" --output")[0].split()
    # Variables that options take their values from have no part in it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    current = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert done.stdout.strip() == current.strip(), f"run: {COMMAND}"
