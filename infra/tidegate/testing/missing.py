"""What a machine lacks for a test."""

import os
from typing import NoReturn

import pytest


def missing(*reasons: str) -> NoReturn:
    """Skip the test that asks for it, and say why; in CI, which brings everything along, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail("; ".join(reasons))
    pytest.skip("; ".join(reasons))
