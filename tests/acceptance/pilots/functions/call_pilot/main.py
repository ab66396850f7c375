"""Calls a pilot for the time at which the ship will be there."""

from datetime import timedelta

from contracts.pilots import PilotCalled, ShipExpected
from tidegate import Context, Emission, emit, function


@function
async def call_pilot(expected: ShipExpected, ctx: Context) -> Emission[PilotCalled]:
    return emit(PilotCalled(ship=expected.ship), delay=timedelta(seconds=expected.in_seconds))
