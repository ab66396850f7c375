"""The tutorial is true: whoever follows it, from a clone on, gets what it says."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.application import firestore
from tests.acceptance.delivery_log import eventually
from tests.docs.markdown import Fence, Page
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

ROOT = Path(__file__).parents[2]
PAGE = Page.read(ROOT / "docs" / "tutorial.md")
UNWANTED = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", "*.egg-info", ".hypothesis")
PATIENCE_SECONDS = 60


class Shop:
    """A clone in which the tutorial is followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT, root, ignore=UNWANTED)
        # This repository's, and set up already: what it was set up from is older.
        (root / ".venv").symlink_to(ROOT / ".venv")
        for name in ("requirements.txt", "pyproject.toml"):
            os.utime(root / name, (0, 0))
        (root / "build").mkdir()

    @property
    def environment(self) -> Mapping[str, str]:
        """That of somebody in this clone, whose editor corrects the one misspelling by itself."""
        inherited = {name: value for name, value in os.environ.items() if not name.endswith("_EMULATOR_HOST")}
        return {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.root / "infra"),
            "EDITOR": "sed -i.bak s/cofee/coffee/",
        }

    def take(self, fence: Fence) -> None:
        """Do what one block says: run its commands, or write the file that its introduction names last."""
        if fence.language == "sh":
            self.run(fence.text)
            return
        name = re.findall(r"`([\w/]+\.\w+)`", fence.intro)[-1]
        assert (self.root / name).parent.is_dir(), name
        (self.root / name).write_text(fence.text, encoding="utf-8")

    def run(self, script: str) -> str:
        """What a script says; it must succeed."""
        done = self.attempt(script)
        assert done.returncode == 0, f"{script}{done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, script: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-euc", script],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def found(self, line: str) -> str:
        """What a command says, of letters once it finds some."""
        done = self.attempt(line)
        nothing = done.returncode or "no event has died" in done.stdout or "dead letter;" in done.stdout
        return "" if nothing else done.stdout or "done"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The tutorial followed up to the emulators; every command in it has succeeded."""
    shop = Shop(tmp_path_factory.mktemp("tutorial") / "shop")
    for title in ("Make room", "Topics", "Functions", "Tests"):
        for fence in PAGE.section(title).fences():
            shop.take(fence)
    return shop


@pytest.fixture
def running(shop: Shop, emulators_installed: None) -> Iterator[StackState]:
    """The shop as `tidegate up` runs it, in a terminal of its own."""
    process = subprocess.Popen(
        ["tidegate", "up"],
        cwd=shop.root,
        env=shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            if "Ctrl-C" in line:
                ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(PATIENCE_SECONDS), "".join(output)
        state = StackState.read(Project(shop.root))
        assert state is not None
        yield state
    finally:
        process.terminate()
        process.wait(30)
        reader.join(10)


def test_what_is_kept_is_what_tidegate_brings_along(shop: Shop) -> None:
    """Its topology has these functions as the desk has them, both of the shop's, and nothing of the desk's own."""
    here, there = Project(ROOT).topology(), Project(shop.root).topology()
    assert there.functions.keys() - here.functions.keys() == {"price_order", "book_sale"}
    assert there.topics.keys() - here.topics.keys() == {"order.placed", "order.priced"}
    for kind in ("functions", "topics", "schedules"):
        kept = {name: each for name, each in getattr(there, kind).items() if name in getattr(here, kind)}
        assert kept == {name: getattr(here, kind)[name] for name in kept}
    assert list(there.http_functions) == ["gateway"]
    assert not re.search("flight|demo", shop.run("tidegate topology show; tidegate contracts list; tidegate --help"))


def test_the_shop_works_on_the_emulators(shop: Shop, running: StackState) -> None:
    """The order counts once, the poisonous one is found by its reason, mended and redriven."""
    up, *blocks = PAGE.section("On the emulators").fences("sh")
    assert up.text == "tidegate up\n"
    said = {line: eventually(partial(shop.found, line)) for block in blocks for line in block.text.splitlines()}
    assert "cofee is not for sale, only coffee and tea" in said["tidegate dead show price_order"]
    sales = firestore(running.project, running.firestore_host).document("sales/coffee")
    assert eventually(lambda: (found := sales.get().to_dict()) == {"orders": 2, "cents": 1050} and found)
