"""Bundles: one zip per function that holds all it needs where it is deployed.

The same sources give the same bytes on every machine, and the file's name carries their digest:
whatever deploys by name deploys again exactly those functions that changed.
"""

import hashlib
import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tidegate.errors import ConfigurationError
from tidegate.function_config import deployed_name
from tidegate.topology import Topology
from tidegate_ops.files import write_atomically
from tidegate_ops.manifest import Bundle, Manifest
from tidegate_ops.project import Project
from tidegate_ops.requirements import merge_requirements
from tidegate_ops.topology_faults import suggest

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment a zip can hold
_MODE = 0o100644 << 16  # a regular file that its owner writes and everybody reads
_DIGITS = 16  # of the digest, in a file's name
_LEFT_HERE = ("client", "testing")  # of the runtime: no function needs it
_LEFT_OUT = re.compile(r"\..*|__pycache__|.*\.pyc|tests?|test_.*\.py|conftest\.py")


def bundle(
    project: Project, names: Iterable[str], out_dir: Path, *, on_bundled: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Bundle the named functions into ``out_dir``, and remove their earlier zips from it.

    Functions that are not named keep what the folder's manifest says of them, as long as the
    topology still has them. ``on_bundled`` is told each name once its zip is written.

    Raises:
        ConfigurationError: a function is unknown or incomplete, or its requirements do not fit the runtime's.
    """
    topology = project.topology()
    wanted = sorted(set(names))
    for name in wanted:
        if name not in topology.deployed:
            raise ConfigurationError(
                f"no function {name} in {project.topology_path.name}: {suggest(name, topology.deployed)}"
            )
    earlier = Manifest.read(out_dir).bundles
    bundles = {name: entry for name, entry in earlier.items() if name in topology.deployed and name not in wanted}
    for name in wanted:
        content = zip_function(project, topology, name)
        digest = hashlib.sha256(content).hexdigest()
        file = f"{deployed_name(name)}-{digest[:_DIGITS]}.zip"
        if not _holds(out_dir / file, digest):
            write_atomically(out_dir / file, content)
        bundles[name] = Bundle(file, digest, len(content))
        on_bundled(name)
    manifest = Manifest({name: bundles[name] for name in sorted(bundles)})
    manifest.write(out_dir)
    # Last, so that whoever reads the manifest meanwhile finds what it names.
    _remove_outdated(out_dir, {*wanted, *earlier}, {entry.file for entry in bundles.values()})
    return manifest


def zip_function(project: Project, topology: Topology, name: str) -> bytes:
    """The bytes of one function's zip.

    Raises:
        ConfigurationError: a part of it is missing, in conflict with another, or not pinned.
    """
    folder = project.functions_dir / name
    if not (folder / "main.py").is_file():
        raise ConfigurationError(f"functions/{name}/main.py is missing: create it with a function `{name}`")
    runtime = project.infra / "tidegate" / "requirements.txt"
    content = {
        "requirements.txt": merge_requirements([runtime, folder / "requirements.txt"]).encode(),
        "tidegate.json": _config(topology, name),
        **_packages(project),
    }
    for path in _files(folder):
        inside = path.relative_to(folder).as_posix()
        if inside == "requirements.txt":
            continue
        if inside.split("/")[0].removesuffix(".py") in ("tidegate", "contracts", "tidegate.json"):
            raise ConfigurationError(f"functions/{name}/{inside} would hide a part of the runtime: rename it")
        content[inside] = path.read_bytes()
    return _zip(content)


def stage(bundle: Path, into: Path) -> Path:
    """Unpack a zip to its own folder below ``into`` and return that folder.

    The folder bears the zip's name, digest and all: what is already there is used again.
    """
    target = into / bundle.stem
    if target.is_dir():
        return target
    into.mkdir(parents=True, exist_ok=True)
    # Unpacked aside and renamed, so that a folder of this name is always complete.
    aside = Path(tempfile.mkdtemp(dir=into, prefix=f".{bundle.stem}."))
    try:
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(aside)
        aside.chmod(0o755)
        aside.replace(target)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError) and target.is_dir():
            return target  # somebody else was faster with the same content
        raise
    return target


def _config(topology: Topology, name: str) -> bytes:
    try:
        config = topology.slice(name)
    except KeyError as error:
        raise ConfigurationError(
            f"functions.{name} uses dependency {error.args[0]}, which is not declared: run tidegate check"
        ) from error
    return (json.dumps(config.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()


def _packages(project: Project) -> dict[str, bytes]:
    """The Python files of the runtime and of the contracts, by their path inside the zip."""
    left = [project.infra / "tidegate" / name for name in _LEFT_HERE]
    return {
        path.relative_to(project.infra).as_posix(): path.read_bytes()
        for package in ("tidegate", "contracts")
        for path in _files(project.infra / package)
        if path.suffix == ".py" and not any(map(path.is_relative_to, left))
    }


def _files(folder: Path) -> Iterator[Path]:
    """What ships of a folder: no caches, no tests, nothing hidden."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not any(_LEFT_OUT.fullmatch(part) for part in inside.parts):
            yield path


def _zip(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # Stored, not deflated: zlib's builds compress differently, and a name must not depend on the machine.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, also where the bundle is made on Windows
            entry.external_attr = _MODE
            archive.writestr(entry, content[name])
    return buffer.getvalue()


def _holds(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _remove_outdated(folder: Path, names: Iterable[str], kept: set[str]) -> None:
    """Delete the zips of ``names`` that the manifest no longer lists; touches no other file."""
    functions = "|".join(re.escape(deployed_name(name)) for name in names)
    outdated = re.compile(rf"(?:{functions})-[0-9a-f]{{{_DIGITS}}}\.zip")
    for path in sorted(folder.glob("*.zip")):
        if outdated.fullmatch(path.name) and path.name not in kept:
            path.unlink()
