"""What guards a write: that nobody else has written since."""

from typing import TypeAlias

Version: TypeAlias = object
"""A record's version: opaque, compared by the store alone (Firestore: the document's update time)."""
