"""A real browser, without a window."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is; skips what needs it where it is not installed. In CI that is a failure."""
    missing = []
    try:
        import playwright.async_api  # noqa: F401
    except ImportError:
        missing.append("playwright is not installed: run pip install -r requirements.txt")
    path = shutil.which("chromium")
    if path is None:
        missing.append("chromium is not installed: run apt-get install chromium")
    if missing and os.environ.get("CI"):
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing))
    assert path
    return path


@pytest.fixture(scope="session")
async def chromium(chromium_path: str, one_event_loop: None) -> AsyncIterator[Any]:
    """Chromium, started once; each test opens windows of its own."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        # Its sandbox needs more than containers grant; it opens nothing but the board of this machine.
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        await browser.close()
