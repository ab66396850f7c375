"""`tidegate new`: functions and topics, consistent from the first moment on."""

from tidegate_ops.scaffold.change import Change
from tidegate_ops.scaffold.functions import new_function
from tidegate_ops.scaffold.topics import new_topic

__all__ = ["Change", "new_function", "new_topic"]
