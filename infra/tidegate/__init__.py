"""Tidegate: asynchronous applications on Google Cloud Pub/Sub that do every effect exactly once."""

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
