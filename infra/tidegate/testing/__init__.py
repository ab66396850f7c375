"""A kit for the tests of functions: a world in memory, virtual time, made-up events. It never ships.

The pytest plugin `tidegate.testing.plugin` provides it as the fixture `world`.
"""

from tidegate.testing.clock import NOON
from tidegate.testing.delivery import Delivery
from tidegate.testing.mishaps import Mishap
from tidegate.testing.samples import sample
from tidegate.testing.world import World
from tidegate.verdicts import Verdict

__all__ = ["NOON", "Delivery", "Mishap", "Verdict", "World", "sample"]
