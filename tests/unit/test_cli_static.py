"""The commands that need nothing running: exit codes and what they say."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tidegate.errors import ConfigurationError
from tidegate_ops.cli import app, main
from tidegate_ops.project import Project


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the entry point itself; returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["tidegate", *arguments])
    with pytest.raises(SystemExit) as exited:
        main()
    assert isinstance(exited.value.code, int)
    return exited.value.code


def edit_contracts(project: Project, old: str, new: str) -> None:
    path = project.contracts_dir / "orders.py"
    path.write_text(path.read_text().replace(old, new))
    # Each command is a process of its own and imports the contracts anew; here that takes forgetting them.
    del sys.modules["contracts.orders"]


def test_check_says_what_it_checked(project: Project) -> None:
    """A clean project exits with 0 and a summary."""
    result = run("check")
    assert result.exit_code == 0
    assert "2 functions, 3 topics, 0 schedules" in result.output


def test_http_functions_are_shown_checked_and_bundled(http_project: Project) -> None:
    """Wherever functions are listed, those of both kinds are."""
    assert "5 functions, 5 topics, 0 schedules" in run("check").output
    shown = run("topology", "show").output
    assert "HTTP function" in shown
    assert "front_desk" in shown
    assert "public" in shown
    bundled = run("bundle").output
    assert all(name in bundled for name in ("dead_letters", "front_desk", "pack_order"))


def test_check_lists_findings_and_fails(project: Project) -> None:
    """Any finding means exit code 1, one line each."""
    (project.functions_dir / "stray").mkdir()
    result = run("check")
    assert result.exit_code == 1
    assert "functions/stray: is no function of the topology; declare functions.stray" in result.output
    assert "1 finding in 2 functions" in result.output


def test_contracts_are_exported_then_current(project: Project) -> None:
    """`check` asks for the export, `export` writes it, and then both are content."""
    assert "run tidegate contracts export" in run("contracts", "check").output
    exported = run("contracts", "export")
    assert exported.exit_code == 0
    assert "wrote infra/contracts/schemas/order.placed.v1.json" in exported.output
    assert run("contracts", "check").exit_code == 0
    assert "every schema is up to date" in run("contracts", "export").output


def test_a_compatible_change_only_needs_exporting(project: Project) -> None:
    """An optional field is no break, but the files must follow."""
    run("contracts", "export")
    edit_contracts(project, "items: list[str]", "items: list[str]\n    note: str = ''")
    result = run("contracts", "check")
    assert result.exit_code == 1
    assert "order.placed.v1.json; run tidegate contracts export" in result.output
    assert run("contracts", "export").exit_code == 0


def test_a_breaking_change_is_refused_unless_allowed(project: Project) -> None:
    """Neither command lets it pass by accident."""
    run("contracts", "export")
    before = (project.schemas_dir / "order.placed.v1.json").read_bytes()
    edit_contracts(project, "items: list[str]", "items: list[int]")
    result = run("contracts", "check")
    assert result.exit_code == 1
    assert "order.placed.v1: items[]: type changed from string to integer" in result.output
    assert "publish it as version 2 beside version 1" in result.output
    assert run("contracts", "export").exit_code == 1
    assert (project.schemas_dir / "order.placed.v1.json").read_bytes() == before
    assert run("contracts", "export", "--allow-breaking").exit_code == 0
    assert run("contracts", "check").exit_code == 0


def test_contracts_are_held_against_those_of_another_version(project: Project, tmp_path: Path) -> None:
    """What `schemas` printed of the deployed version refuses what its functions could not read, and nothing else."""
    deployed = tmp_path / "deployed.json"
    deployed.write_text(run("contracts", "schemas").stdout)
    edit_contracts(project, "items: list[str]", "items: list[str]\n    note: str = ''")
    run("contracts", "export")
    assert run("contracts", "check", "--against", str(deployed)).exit_code == 0
    edit_contracts(project, "items: list[str]", "items: list[int]")
    run("contracts", "export", "--allow-breaking")
    assert run("contracts", "check").exit_code == 0
    result = run("contracts", "check", "--against", str(deployed))
    assert result.exit_code == 1
    assert "order.placed.v1: items[]: type changed from string to integer" in result.output


def test_before_the_first_deployment_everything_is_compatible(project: Project, tmp_path: Path) -> None:
    """An empty object says that nothing is deployed."""
    run("contracts", "export")
    (tmp_path / "nothing.json").write_text("{}")
    assert run("contracts", "check", "--against", str(tmp_path / "nothing.json")).exit_code == 0


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "cannot be read"), ("<html>", "is no JSON"), ("[]", "no schemas"), ('{"a": 1}', "no sch")],
)
def test_a_file_without_schemas_is_compatible_with_nothing(
    project: Project, tmp_path: Path, content: str | None, fault: str
) -> None:
    """What could not be fetched is an error, and never taken for "nothing is deployed"."""
    path = tmp_path / "deployed.json"
    if content is not None:
        path.write_text(content)
    run("contracts", "export")
    with pytest.raises(ConfigurationError, match=fault):
        CliRunner().invoke(app, ["contracts", "check", "--against", str(path)], catch_exceptions=False)


def test_contracts_are_listed_with_their_consumers(project: Project) -> None:
    """The list shows who would notice a change."""
    assert "pack_order" in run("contracts", "list").output


def test_bundle_shows_what_changed(project: Project) -> None:
    """The second run finds everything unchanged; zips go to build/bundles."""
    assert run("bundle").output.count(" changed") == 2
    assert run("bundle", "pack_order").output.count("unchanged") == 1
    assert (project.build_dir / "bundles" / "manifest.json").is_file()


def test_topology_is_shown_and_its_schema_printed_and_written(project: Project) -> None:
    """The schema on stdout is JSON, ready for a pipe."""
    assert "order.placed" in run("topology", "show").output
    schema = json.loads(run("topology", "schema").stdout)
    assert run("topology", "schema", "--write").exit_code == 0
    assert json.loads(project.topology_schema_path.read_text()) == schema


def test_expected_errors_are_one_message_and_exit_2(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what the user can correct; brackets in messages survive."""
    project.topology_path.write_text(project.topology_path.read_text().replace("[order.packed]", "[7]"))
    assert run_main(monkeypatch, "check") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: infra/topology.yaml:9: functions.pack_order.emits[0]: is 7")
    assert "Traceback" not in error


def test_interrupting_exits_with_130(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no error message, but the code that shells expect."""

    def interrupt(_: Project) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tidegate_ops.checks.check", interrupt)
    assert run_main(monkeypatch, "check") == 130


def test_version_and_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both need no project."""
    assert run_main(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("tidegate ")
    for command in (("check",), ("bundle",), ("contracts", "check"), ("topology", "schema")):
        assert "Example" in run(*command, "--help").output
