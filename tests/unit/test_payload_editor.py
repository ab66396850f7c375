"""A payload is edited as text and sent only if it fits its contract."""

import re
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from tests.unit.parcel_desk import OrderPlaced, letter
from tidegate import Contract
from tidegate.errors import ConfigurationError
from tidegate_ops.payload_editor import EditRefused, contract_of, edited, open_editor
from tidegate_ops.project import Project


class Editor:
    """Replaces text in the file; remembers what it saw."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new
        self.seen = ""
        self.path = Path()

    def __call__(self, path: Path) -> None:
        self.path, self.seen = path, path.read_text()
        path.write_text(self.seen.replace(self.old, self.new))


def test_edited_payload() -> None:
    """It is shown a field a line and comes back compact, and no file stays."""
    editor = Editor("o-1", "Zoë")
    data = edited(b'{"order":"o-1","more":1}', OrderPlaced, edit=editor)
    assert editor.seen == '{\n  "order": "o-1",\n  "more": 1\n}\n'
    assert data == '{"order":"Zoë","more":1}'.encode()
    assert not editor.path.exists()


def test_unfit_edit_is_kept() -> None:
    """What does not fit the contract is not sent, and the work is not lost."""
    editor = Editor('"o-1"', "17")
    with pytest.raises(EditRefused, match=r"does not fit order\.placed v1: order") as refused:
        edited(b'{"order":"o-1"}', OrderPlaced, edit=editor)
    kept = re.search(r"kept in (\S+)$", str(refused.value))
    assert kept is not None
    assert Path(kept[1]).read_text() == '{\n  "order": 17\n}\n'
    Path(kept[1]).unlink()


def test_what_is_no_json_can_be_mended() -> None:
    """A payload that could not be read is edited as it is."""
    assert edited(b'{"order": o-1}', OrderPlaced, edit=Editor("o-1", '"o-1"')) == b'{"order":"o-1"}'


def test_unchanged_payload_is_not_sent() -> None:
    """Leaving the editor without a change is a change of mind."""
    editor = Editor("nothing", "else")
    with pytest.raises(EditRefused, match="as it was"):
        edited(b'{"order":"o-1"}', OrderPlaced, edit=editor)
    assert not editor.path.exists()


def test_contract_is_the_one_that_the_event_names(tmp_path: Path, mocker: MockerFixture) -> None:
    """The version in the letter decides; the newest one where there is none."""

    class Newer(Contract, type="order.placed", version=2):
        pass

    for module in ("payload_editor", "publishing"):
        mocker.patch(f"tidegate_ops.{module}.load_contracts", return_value=[OrderPlaced, Newer])
    project = Project(tmp_path)
    assert contract_of(project, letter(), "order.placed") is OrderPlaced
    assert contract_of(project, letter(attributes={}), "order.placed") is Newer
    unknown = letter(attributes={"ce-dataschema": "urn:tidegate:contract:order.placed:3"})
    with pytest.raises(ConfigurationError, match=r"order\.placed:3, which infra/contracts does not have"):
        contract_of(project, unknown, "order.placed")


def test_editor_is_the_operators_own(tmp_path: Path, mocker: MockerFixture) -> None:
    """VISUAL comes before EDITOR, and either may have options."""
    run = mocker.patch("tidegate_ops.payload_editor.subprocess.run")
    open_editor(tmp_path, {"EDITOR": "vi", "VISUAL": "code --wait"})
    run.assert_called_once_with(["code", "--wait", str(tmp_path)], check=True)
    with pytest.raises(ConfigurationError, match="set EDITOR"):
        open_editor(tmp_path, {})
    run.side_effect = FileNotFoundError("no such program")
    with pytest.raises(ConfigurationError, match="the text is in"):
        open_editor(tmp_path, {"EDITOR": "none"})
