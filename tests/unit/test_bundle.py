"""Bundles: the same sources give the same bytes, and only what changed changes its name."""

import hashlib
import json
import os
import re
import zipfile
from pathlib import Path

import pytest

from tidegate.errors import ConfigurationError
from tidegate.function_config import FunctionConfig, HttpFunctionConfig
from tidegate_ops.bundle import bundle, stage
from tidegate_ops.manifest import Manifest
from tidegate_ops.project import Project

BOTH = ("pack_order", "dead_letters")
REPOSITORY = Path(__file__).parents[2]


def names(manifest: Manifest) -> dict[str, str]:
    return {name: entry.file for name, entry in manifest.bundles.items()}


def packed(project: Project, out: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(out / bundle(project, ["pack_order"], out).bundles["pack_order"].file)


def test_a_zip_holds_all_that_the_function_needs(project: Project, tmp_path: Path) -> None:
    """Its own files at the root, the runtime, the contracts, requirements and configuration; nothing else."""
    folder = project.functions_dir / "pack_order"
    for leftover in ("__pycache__/main.pyc", "tests/test_main.py", "test_main.py", ".hidden", "data/boxes.csv"):
        (folder / leftover).parent.mkdir(exist_ok=True)
        (folder / leftover).write_text("x")
    for package in ("client", "testing"):
        (project.infra / "tidegate" / package).mkdir()
        (project.infra / "tidegate" / package / "__init__.py").write_text("")
    project.schemas_dir.mkdir()
    (project.schemas_dir / "order.placed.v1.json").write_text("{}")
    with packed(project, tmp_path / "out") as archive:
        assert archive.namelist() == [
            "contracts/__init__.py",
            "contracts/orders.py",
            "data/boxes.csv",
            "main.py",
            "requirements.txt",
            "tidegate.json",
            "tidegate/__init__.py",
            "weights.py",
        ]
        assert archive.read("requirements.txt") == b"httpx==0.28.1\npydantic==2.14.3\n"
        config = FunctionConfig.model_validate_json(archive.read("tidegate.json"))
    assert config == project.topology().config("pack_order")


def test_an_http_functions_zip_holds_its_own_kind_of_configuration(http_project: Project, tmp_path: Path) -> None:
    """Nothing else is different, and the manifest lists it among the others."""
    manifest = bundle(http_project, [*BOTH, "front_desk"], tmp_path / "out")
    assert list(manifest.bundles) == ["dead_letters", "front_desk", "pack_order"]
    with zipfile.ZipFile(tmp_path / "out" / manifest.bundles["front_desk"].file) as archive:
        assert {"main.py", "greetings.py", "requirements.txt"} < set(archive.namelist())
        config = HttpFunctionConfig.model_validate_json(archive.read("tidegate.json"))
    assert config == http_project.topology().http_config("front_desk")
    assert config.subscribers == {"order.placed": ("pack_order",)}


def test_file_times_and_permissions_do_not_matter(project: Project, tmp_path: Path) -> None:
    """The bytes depend on names and contents alone."""
    first = bundle(project, BOTH, tmp_path / "one")
    for path in project.functions_dir.rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o600)
    second = bundle(project, BOTH, tmp_path / "two")
    assert first == second
    for entry in first.bundles.values():
        assert (tmp_path / "one" / entry.file).read_bytes() == (tmp_path / "two" / entry.file).read_bytes()


def test_name_and_manifest_carry_the_digest(project: Project, tmp_path: Path) -> None:
    """The manifest says what lies beside it, sorted by function."""
    manifest = bundle(project, BOTH, tmp_path / "out")
    entry = manifest.bundles["pack_order"]
    content = (tmp_path / "out" / entry.file).read_bytes()
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert entry.file == f"pack-order-{entry.sha256[:16]}.zip"
    assert entry.size == len(content)
    written = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert list(written) == ["dead_letters", "pack_order"]
    assert Manifest.read(tmp_path / "out") == manifest


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("functions/pack_order/weights.py", "250", "300"),
        ("infra/topology.yaml", "timeout_seconds: 30", "timeout_seconds: 31"),
        ("functions/pack_order/requirements.txt", "0.28.1", "0.28.0"),
    ],
)
def test_a_change_to_one_function_renames_that_one_alone(
    project: Project, tmp_path: Path, file: str, old: str, new: str
) -> None:
    """Source, topology entry and requirements count; the neighbour's zip and the old zip's absence prove it."""
    before = names(bundle(project, BOTH, tmp_path / "out"))
    path = project.root / file
    path.write_text(path.read_text().replace(old, new))
    after = names(bundle(project, BOTH, tmp_path / "out"))
    assert after["dead_letters"] == before["dead_letters"]
    assert after["pack_order"] != before["pack_order"]
    assert sorted(each.name for each in (tmp_path / "out").glob("*.zip")) == sorted(after.values())


def test_a_change_to_the_contracts_renames_every_function(project: Project, tmp_path: Path) -> None:
    """What ships with all changes all."""
    before = names(bundle(project, BOTH, tmp_path / "out"))
    (project.contracts_dir / "more.py").write_text("")
    after = names(bundle(project, BOTH, tmp_path / "out"))
    assert not set(before.values()) & set(after.values())


def test_bundling_one_function_keeps_what_is_known_of_the_others(project: Project, tmp_path: Path) -> None:
    """The manifest stays complete, and foreign files stay where they are."""
    both = bundle(project, BOTH, tmp_path / "out")
    foreign = tmp_path / "out" / f"pack-order-late-{'0' * 16}.zip"
    foreign.write_bytes(b"")
    assert bundle(project, ["pack_order"], tmp_path / "out") == both
    assert foreign.exists()


def test_a_function_that_left_the_topology_leaves_the_folder(project: Project, tmp_path: Path) -> None:
    """Neither manifest nor folder keep what is deployed no more."""
    bundle(project, BOTH, tmp_path / "out")
    topology = project.topology_path.read_text()
    project.topology_path.write_text(re.sub(r"  pack_order:\n(    .*\n)+", "", topology))
    manifest = bundle(project, ["dead_letters"], tmp_path / "out")
    assert list(manifest.bundles) == ["dead_letters"]
    assert len(list((tmp_path / "out").glob("*.zip"))) == 1


def test_unchanged_zips_are_not_written_again(project: Project, tmp_path: Path) -> None:
    """Whoever watches the folder sees only real changes; a damaged zip is replaced."""
    file = tmp_path / "out" / bundle(project, BOTH, tmp_path / "out").bundles["pack_order"].file
    os.utime(file, (1, 1))
    bundle(project, BOTH, tmp_path / "out")
    assert file.stat().st_mtime == 1
    content = file.read_bytes()
    file.write_bytes(b"damaged")
    bundle(project, BOTH, tmp_path / "out")
    assert file.read_bytes() == content
    assert not [each for each in (tmp_path / "out").iterdir() if each.name.startswith(".")]


def test_the_same_package_in_both_files_is_listed_once(project: Project, tmp_path: Path) -> None:
    """Spelling of names does not matter, and extras are united."""
    own = "# comment\nPydantic[email]==2.14.3  # why\nhttpx==0.28.1\n"
    (project.functions_dir / "pack_order" / "requirements.txt").write_text(own)
    with packed(project, tmp_path / "out") as archive:
        assert archive.read("requirements.txt") == b"httpx==0.28.1\npydantic[email]==2.14.3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pydantic==2.0.0\n", r"requirements\.txt:1: pydantic==2\.0\.0 conflicts with pydantic==2\.14\.3"),
        ("# own\nhttpx>=0.28\n", r"functions/pack_order/requirements\.txt:2: 'httpx>=0\.28' is no pin: write name=="),
        ("httpx==0.28.*\n", "is no pin"),
        ("-r other.txt\n", "is no pin"),
    ],
)
def test_requirements_that_are_no_pins_or_conflict(project: Project, tmp_path: Path, text: str, message: str) -> None:
    """The message names file and line, and what to write."""
    (project.functions_dir / "pack_order" / "requirements.txt").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        bundle(project, BOTH, tmp_path / "out")


def test_an_unknown_function_gets_a_suggestion(project: Project, tmp_path: Path) -> None:
    """A misspelt name is no empty bundle."""
    with pytest.raises(ConfigurationError, match=r"no function pack_ordr .* did you mean pack_order"):
        bundle(project, ["pack_ordr"], tmp_path / "out")


def test_an_undeclared_dependency_is_no_crash(project: Project, tmp_path: Path) -> None:
    """The configuration cannot be made without it, and the message says so."""
    text = project.topology_path.read_text()
    project.topology_path.write_text(text.replace("timeout_seconds: 30", "dependencies: [label-api]"))
    with pytest.raises(ConfigurationError, match="uses dependency label-api, which is not declared"):
        bundle(project, BOTH, tmp_path / "out")


def test_a_file_that_would_hide_the_runtime_is_refused(project: Project, tmp_path: Path) -> None:
    """Nobody should find out in production."""
    (project.functions_dir / "pack_order" / "tidegate.py").write_text("")
    with pytest.raises(ConfigurationError, match=r"functions/pack_order/tidegate\.py would hide"):
        bundle(project, BOTH, tmp_path / "out")


def test_staging_unpacks_once_and_reuses(project: Project, tmp_path: Path) -> None:
    """A folder named by the digest is complete or absent, so the same zip needs unpacking once."""
    entry = bundle(project, BOTH, tmp_path / "out").bundles["pack_order"]
    folder = stage(tmp_path / "out" / entry.file, tmp_path / "staged")
    assert (folder / "main.py").read_text() == (project.functions_dir / "pack_order" / "main.py").read_text()
    assert folder.name == Path(entry.file).stem
    (folder / "mark").touch()
    assert stage(tmp_path / "out" / entry.file, tmp_path / "staged") == folder
    assert (folder / "mark").exists()


def test_a_broken_zip_leaves_nothing_staged(tmp_path: Path) -> None:
    """A failed unpacking can be tried again."""
    broken = tmp_path / "x-0000000000000000.zip"
    broken.write_bytes(b"no zip")
    with pytest.raises(zipfile.BadZipFile):
        stage(broken, tmp_path / "staged")
    assert list((tmp_path / "staged").iterdir()) == []


def test_a_damaged_manifest_says_what_to_do(tmp_path: Path) -> None:
    """It can be deleted, since bundling makes it anew."""
    (tmp_path / "manifest.json").write_text("[1]")
    with pytest.raises(ConfigurationError, match="delete it and bundle again"):
        Manifest.read(tmp_path)


def test_the_runtime_ships_the_versions_it_is_tested_with() -> None:
    """infra/tidegate/requirements.txt repeats pins of the root's requirements.txt."""
    root = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    tested = {line.partition("#")[0].strip() for line in root}
    runtime = (REPOSITORY / "infra/tidegate/requirements.txt").read_text(encoding="utf-8").splitlines()
    shipped = {line for line in runtime if not line.startswith("#")}
    assert len(shipped) == 7
    assert shipped <= tested
