"""Lands a ship's crates at one port."""

from contracts.fleet import Crate, PortCalled
from tidegate import Context, function


@function(pure=True)
def call_port(called: PortCalled, ctx: Context) -> tuple[Crate, ...]:
    return called.crates
