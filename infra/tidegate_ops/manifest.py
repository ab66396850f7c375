"""What was bundled: `manifest.json`, by which Terraform and the local stack find each function's zip."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tidegate.errors import ConfigurationError
from tidegate_ops.files import write_atomically

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One function's zip: its file's name beside the manifest, the SHA-256 of its bytes, its size in bytes."""

    file: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The bundles in one folder, by function."""

    bundles: Mapping[str, Bundle] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest in ``folder``; an empty one where there is none yet.

        Raises:
            ConfigurationError: the file is there but no manifest.
        """
        path = folder / MANIFEST
        if not path.is_file():
            return cls()
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            return cls({name: Bundle(**entry) for name, entry in sorted(entries.items())})
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path} is no manifest ({error}): delete it and bundle again") from error

    def write(self, folder: Path) -> None:
        """Write it to ``folder``, sorted, so that equal bundles give equal bytes."""
        entries = {
            name: {"file": bundle.file, "sha256": bundle.sha256, "size": bundle.size}
            for name, bundle in self.bundles.items()
        }
        write_atomically(folder / MANIFEST, (json.dumps(entries, indent=2, sort_keys=True) + "\n").encode())
