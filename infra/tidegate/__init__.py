"""Tidegate: asynchronous applications on Google Cloud Pub/Sub that do every effect exactly once."""

from tidegate.context import Context
from tidegate.contracts import Contract
from tidegate.dead_letters import DeadLetter
from tidegate.emissions import Emission, Result, emit
from tidegate.entry import function
from tidegate.errors import Reject

__all__ = ["Context", "Contract", "DeadLetter", "Emission", "Reject", "Result", "emit", "function"]
__version__ = "0.1.0"
