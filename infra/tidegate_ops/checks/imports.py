"""What functions import: the runtime and the contracts, but no tools and no other function."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tidegate_ops.checks.application import Application, Finding

_NEVER_SHIPS = ("tidegate_ops", "tidegate.client", "tidegate.testing")


def check_imports(application: Application) -> Iterator[Finding]:
    """Imports that work here, where everything lies side by side, and fail where a function is deployed."""
    functions = application.project.functions_dir
    names = {folder.name for folder in functions.iterdir() if folder.is_dir()} if functions.is_dir() else set()
    for name in application.topology.deployed:
        folder = functions / name
        own = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
        foreign = (names - {name} - own) | {"functions"}
        for path in sorted(folder.rglob("*.py")):
            for line, module in _imported(path):
                where = f"{path.relative_to(application.project.root)}:{line}"
                root = module.split(".")[0]
                if f"{module}.".startswith(tuple(f"{each}." for each in _NEVER_SHIPS)):
                    yield Finding(where, f"imports {module}, which never ships", "use what tidegate offers instead")
                elif root in foreign:
                    yield Finding(
                        where,
                        f"imports {module}, another function's code",
                        "emit an event for that function, or move what both need to infra/contracts",
                    )


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of each absolute import."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return  # loading the handler tells
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module
