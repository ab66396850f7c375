"""`tidegate bundle`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from tidegate_ops import bundle as bundling
from tidegate_ops.cli import completion
from tidegate_ops.cli.console import err, out, say
from tidegate_ops.cli.options import DryRun
from tidegate_ops.manifest import Manifest
from tidegate_ops.project import Project


def bundle(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Functions; all of them by default.", autocompletion=completion.deployed),
    ] = None,
    dry_run: DryRun = False,
    to: Annotated[Path | None, typer.Option("--out", help="Folder for the zips.", show_default="build/bundles")] = None,
) -> None:
    """Pack functions into the zips that are deployed.

    The same sources give the same bytes, so a zip whose name stays need not be deployed again.

    [bold]Examples:[/bold]

    tidegate bundle

    tidegate bundle assess_flight --out my-bundles
    """
    project = Project.find()
    wanted = names or list(project.topology().deployed)
    folder = to or project.build_dir / "bundles"
    before = Manifest.read(folder).bundles
    with Progress(console=err, transient=True) as progress, TemporaryDirectory() as elsewhere:
        task = progress.add_task("bundling", total=len(set(wanted)))
        target = Path(elsewhere) if dry_run else folder
        manifest = bundling.bundle(project, wanted, target, on_bundled=lambda _: progress.advance(task))
    table = Table("function", "sha256", "bytes", "")
    for name in sorted(set(wanted)):
        entry = manifest.bundles[name]
        unchanged = name in before and before[name].sha256 == entry.sha256
        table.add_row(
            name, entry.sha256[:16], f"{entry.size:,}", "unchanged" if unchanged else "[green]changed[/green]"
        )
    out.print(table, soft_wrap=False)
    if dry_run:
        say(f"nothing was written to {folder}")
