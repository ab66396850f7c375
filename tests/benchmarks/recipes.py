"""How the functions that are measured are started: each as it would be deployed."""

import compileall
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

from tidegate.function_config import deployed_name
from tidegate_ops.bundle import bundle, stage
from tidegate_ops.function_service import FunctionService, Source
from tidegate_ops.project import Project
from tidegate_ops.tcp_ports import free_ports

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]
_UNWANTED = shutil.ignore_patterns("__pycache__", ".*", "schemas")
_READY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Recipe:
    """One function, to be started any number of times.

    Attributes:
        environment: where it finds the emulators, and which Google Cloud project is its own.
    """

    name: str
    source: Source
    environment: Mapping[str, str]

    def service(self, environment: Mapping[str, str] | None = None) -> FunctionService:
        """The function on a free port, not started; with ``environment`` in place of what the recipe says."""
        return FunctionService(
            self.name,
            self.source,
            port=free_ports(1)[0],
            environment={**self.environment, "K_SERVICE": deployed_name(self.name), **(environment or {})},
            on_line=lambda line: None,
        )


def wait_listening(service: FunctionService) -> None:
    """Return once it takes connections: not every function answers what the local stack asks.

    Raises:
        ProcessFailed: it does not come up; the message holds its last lines.
    """
    service.process.wait_ready(lambda: listens(service.port), _READY_SECONDS)


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of the loopback."""
    with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _compiled(folder: Path) -> Source:
    """A folder whose modules are compiled already, as Google's buildpack leaves them."""
    compileall.compile_dir(folder, quiet=1)
    return Source(folder, folder, folder)


def office(root: Path) -> Project:
    """The reference application, put together at ``root`` with this runtime and the real system functions."""
    shutil.copytree(_HERE / "office", root, ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "infra" / "tidegate", root / "infra" / "tidegate", ignore=_UNWANTED)
    for function in ("gateway", "dead_letters"):
        shutil.copytree(_REPOSITORY / "functions" / function, root / "functions" / function, ignore=_UNWANTED)
    return Project(root)


def bundled(project: Project, names: list[str]) -> dict[str, Source]:
    """Functions of a project, from their bundles, as they are deployed."""
    folder = project.build_dir / "bundles"
    manifest = bundle(project, names, folder)
    return {name: _compiled(stage(folder / manifest.bundles[name].file, project.build_dir)) for name in names}


def by_hand(folder: str, root: Path) -> Source:
    """A function that is written by hand, from `by_hand`, copied to ``root``."""
    return _compiled(Path(shutil.copytree(_HERE / "by_hand" / folder, root, ignore=_UNWANTED)))
