"""Tidegate: asynchronous applications on Google Cloud Pub/Sub in which each event takes effect once.

Each name is imported when it is first asked for: whoever wants a module of this package alone, as the client
and the commands do, does not wait for the runtime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.context import Context
    from tidegate.contracts import Contract
    from tidegate.emissions import Emission, Gather, Result, emit, gather
    from tidegate.entry import function
    from tidegate.errors import Reject
    from tidegate.http_entry import http_function

__all__ = [
    "Context",
    "Contract",
    "Emission",
    "Gather",
    "Reject",
    "Result",
    "emit",
    "function",
    "gather",
    "http_function",
]
__version__ = "0.1.0"

_MODULES = {
    "Context": "context",
    "Contract": "contracts",
    "Emission": "emissions",
    "Gather": "emissions",
    "Reject": "errors",
    "Result": "emissions",
    "emit": "emissions",
    "function": "entry",
    "gather": "emissions",
    "http_function": "http_entry",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found
