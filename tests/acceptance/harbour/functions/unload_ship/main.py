"""Emits a ship's crates; the process dies around its first publish for each ship."""

from collections.abc import Iterator

import dying_publisher

from contracts.harbour import CrateUnloaded, ShipDocked
from contracts.witness import testify
from tidegate import Context, function

dying_publisher.install()


@function
def unload_ship(docked: ShipDocked, ctx: Context) -> Iterator[CrateUnloaded]:
    testify("unload_ship", ctx, __file__)
    for number in range(docked.crates):
        yield CrateUnloaded(ship=docked.ship, number=number, dies=docked.dies)
