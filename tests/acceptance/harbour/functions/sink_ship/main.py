"""Goes down with all hands, every time."""

import os

from contracts.harbour import StormRaised
from contracts.witness import testify
from tidegate import Context, function


@function
def sink_ship(storm: StormRaised, ctx: Context) -> None:
    testify("sink_ship", ctx, __file__)
    if storm.ship != "unsinkable":
        os._exit(1)
