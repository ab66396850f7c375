"""What tests leave in Python's table of modules."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def contracts_kept() -> Iterator[None]:
    """Put back this project's `contracts` at the end: another project's may have taken their place.

    Classes that were imported before are those of the modules that are put back, so both are the same again.
    """
    before = {name: module for name, module in sys.modules.items() if _is_contracts(name)}
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _is_contracts(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_contracts(name: str) -> bool:
    return name == "contracts" or name.startswith("contracts.")
