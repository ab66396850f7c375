"""Finding a project, and loading its handlers from source."""

import sys
from pathlib import Path

import pytest

from tidegate.dead_letters import DeadLetter
from tidegate.errors import ConfigurationError
from tidegate_ops.project import Project


def test_a_project_is_found_from_any_folder_inside(project: Project) -> None:
    """The folder with infra/topology.yaml is the root, wherever one stands below it."""
    assert Project.find(project.functions_dir / "pack_order").root == project.root.resolve()
    assert Project.find().root == project.root.resolve()


def test_outside_a_project_the_error_says_what_is_missing(tmp_path: Path) -> None:
    """The message names the file that makes a folder a project."""
    with pytest.raises(ConfigurationError, match=r"no infra/topology\.yaml in .* or above it"):
        Project.find(tmp_path)


def test_a_handler_is_loaded_with_its_neighbours(project: Project) -> None:
    """Modules beside main.py are importable, as they are where the function is deployed."""
    handler = project.load_handler("pack_order")
    assert handler.name == "pack_order"
    assert [contract.label() for contract in handler.emits] == ["order.packed v1"]


def test_many_mains_live_side_by_side(project: Project) -> None:
    """Each main.py is a module of its own, and so are modules of one name in two folders."""
    (project.functions_dir / "dead_letters" / "weights.py").write_text("WEIGHT = 'none'\n")
    main = project.functions_dir / "dead_letters" / "main.py"
    main.write_text(main.read_text() + "\nfrom weights import WEIGHT\n")
    packing, letters = project.load_handler("pack_order"), project.load_handler("dead_letters")
    assert letters.contract is DeadLetter
    assert packing.call.__globals__["WEIGHT"] == 250
    assert letters.call.__globals__["WEIGHT"] == "none"
    assert "weights" not in sys.modules


def test_loading_again_sees_the_edited_source(project: Project) -> None:
    """A handler is always what its files say now."""
    project.load_handler("pack_order")
    (project.functions_dir / "pack_order" / "weights.py").write_text("WEIGHT = 300\n")
    assert project.load_handler("pack_order").call.__globals__["WEIGHT"] == 300


def test_loading_leaves_the_import_path_as_it_was(project: Project) -> None:
    """Nothing of one function is visible to whoever imports next."""
    before = list(sys.path)
    project.load_handler("pack_order")
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("ship_order", None, "", r"functions/ship_order is missing: create it"),
        ("pack_order", "other.py", "", r"functions/pack_order/main\.py is missing: create it"),
        ("pack_order", "main.py", "x = 1\n", r"has no function `pack_order` under @function"),
        ("pack_order", "main.py", "import nowhere_at_all\n", r"cannot be imported \(ModuleNotFoundError: .*nowhere"),
        ("pack_order", "main.py", "def (\n", r"cannot be imported \(SyntaxError"),
    ],
)
def test_a_handler_that_cannot_be_loaded_says_why(
    project: Project, name: str, file: str | None, text: str, message: str
) -> None:
    """Folder, file, function and import faults are told apart."""
    if file:
        (project.functions_dir / name / "main.py").unlink()
        (project.functions_dir / name / file).write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        project.load_handler(name)


def test_an_http_function_is_loaded_with_its_neighbours(http_project: Project) -> None:
    """What builds its application, with the modules beside its main.py."""
    handler = http_project.load_http_handler("front_desk")
    assert handler.name == "front_desk"
    assert handler.call.__globals__["GREETING"] == "ahoy"


def test_one_kind_of_function_is_not_taken_for_the_other(http_project: Project) -> None:
    """The message names the decorator that was expected."""
    with pytest.raises(ConfigurationError, match=r"has no function `pack_order` under @http_function"):
        http_project.load_http_handler("pack_order")
    with pytest.raises(ConfigurationError, match=r"has no function `front_desk` under @function"):
        http_project.load_handler("front_desk")
