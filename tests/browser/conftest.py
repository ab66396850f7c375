"""A real browser, without a window."""

import shutil
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

import pytest

from tidegate.testing.missing import missing


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is."""
    if find_spec("playwright") is None:
        missing("playwright is not installed: run pip install -r requirements.txt")
    return shutil.which("chromium") or missing("chromium is not installed: run apt-get install chromium")


@pytest.fixture(scope="session")
async def chromium(chromium_path: str, one_event_loop: None) -> AsyncIterator[Any]:
    """Chromium, started once; each test opens windows of its own."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        # Its sandbox needs more than containers grant; it opens nothing but the board of this machine.
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        await browser.close()
