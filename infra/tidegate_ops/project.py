"""The project on disk: where its parts lie, and its handlers as Python objects."""

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tidegate.errors import ConfigurationError
from tidegate.handlers import Handler, HttpHandler
from tidegate.topology import Topology
from tidegate_ops.topology_file import load_topology

_TOPOLOGY = Path("infra", "topology.yaml")


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `infra/topology.yaml`, and what belongs to it."""

    root: Path
    _topology: Topology | None = field(default=None, repr=False, compare=False)

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """The project around ``start`` (the working directory by default).

        Raises:
            ConfigurationError: neither ``start`` nor a folder above it holds a topology.
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / _TOPOLOGY).is_file():
                return cls(folder)
        raise ConfigurationError(
            f"no {_TOPOLOGY} in {here} or above it: run this inside a Tidegate project, or create that file"
        )

    @property
    def infra(self) -> Path:
        """The folder that holds the packages `tidegate` and `contracts`."""
        return self.root / "infra"

    @property
    def topology_path(self) -> Path:
        return self.root / _TOPOLOGY

    @property
    def topology_schema_path(self) -> Path:
        return self.infra / "topology.schema.json"

    @property
    def functions_dir(self) -> Path:
        return self.root / "functions"

    @property
    def contracts_dir(self) -> Path:
        return self.infra / "contracts"

    @property
    def schemas_dir(self) -> Path:
        return self.contracts_dir / "schemas"

    @property
    def build_dir(self) -> Path:
        """What tools produce; safe to delete."""
        return self.root / "build"

    def topology(self) -> Topology:
        """The topology as it stands on disk now, unless it is `altered`.

        Raises:
            TopologyError: naming every fault.
        """
        return self._topology or load_topology(self.topology_path)

    def altered(self, topology: Topology) -> "Project":
        """The same project with another topology, for an experiment; nothing of it is written to disk."""
        return replace(self, _topology=topology)

    def load_handler(self, name: str) -> Handler:
        """Import a function from its source, as it is imported where it is deployed.

        The function's own modules are importable while its main.py is imported, not afterwards: an
        import inside the handler's body finds them only where it is deployed.

        Raises:
            ConfigurationError: there is no such function, or its module cannot be imported.
        """
        handler = getattr(self._load(name, "@function"), "handler", None)
        if not isinstance(handler, Handler):
            raise self._undecorated(name, "@function")
        return handler

    def load_http_handler(self, name: str) -> HttpHandler:
        """Import an HTTP function from its source, as `load_handler` does with a function.

        Raises:
            ConfigurationError: there is no such function, or its module cannot be imported.
        """
        handler = getattr(self._load(name, "@http_function"), "http_handler", None)
        if not isinstance(handler, HttpHandler):
            raise self._undecorated(name, "@http_function")
        return handler

    @contextmanager
    def importing(self, *folders: Path) -> Iterator[None]:
        """Put ``folders`` and `infra` first on the import path, with this project's own `contracts`."""
        self._forget_foreign_contracts()
        before = list(sys.path)
        sys.path[:0] = [*map(str, folders), str(self.infra)]
        # A finder may have listed a folder before somebody wrote a module into it.
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path[:] = before

    def _load(self, name: str, decorator: str) -> Any:
        """What a function's main.py calls by the function's name; None if it calls nothing so."""
        folder = self.functions_dir / name
        main = folder / "main.py"
        if not folder.is_dir():
            raise ConfigurationError(f"{folder.relative_to(self.root)} is missing: create it with a main.py")
        if not main.is_file():
            where = main.relative_to(self.root)
            raise ConfigurationError(f"{where} is missing: create it with a function `{name}` under {decorator}")
        return getattr(self._import_main(name, main), name, None)

    def _undecorated(self, name: str, decorator: str) -> ConfigurationError:
        where = (self.functions_dir / name / "main.py").relative_to(self.root)
        return ConfigurationError(f"{where} has no function `{name}` under {decorator}: the folder names it")

    def _import_main(self, name: str, main: Path) -> ModuleType:
        digest = hashlib.sha256(str(main).encode()).hexdigest()[:8]
        spec = importlib.util.spec_from_file_location(f"tidegate_function_{name}_{digest}", main)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Registered while it runs, because pydantic and dataclasses look modules up by their name.
        sys.modules[spec.name] = module
        try:
            with self.importing(main.parent):
                spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[spec.name]
            raise ConfigurationError(
                f"{main.relative_to(self.root)} cannot be imported ({type(error).__name__}: {error}): correct it"
            ) from error
        finally:
            _forget_modules_in(main.parent, keep=spec.name)
        return module

    def _forget_foreign_contracts(self) -> None:
        """Drop another project's `contracts` from the module table, so that this one's is found."""
        loaded = sys.modules.get("contracts")
        if loaded is None or str(self.contracts_dir) in map(str, getattr(loaded, "__path__", ())):
            return
        for name in [each for each in sys.modules if each == "contracts" or each.startswith("contracts.")]:
            del sys.modules[name]


def _forget_modules_in(folder: Path, *, keep: str) -> None:
    """Drop a function's own modules from the table: the next function may have some of the same names."""
    below = f"{folder}{os.sep}"  # compared as text: there are thousands of modules
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != keep and file and file.startswith(below):
            del sys.modules[name]
