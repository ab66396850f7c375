"""Sends a ship to its ports."""

from datetime import timedelta

from contracts.fleet import Crate, PortCalled, QuayHeld, VoyageEnded, VoyagePlanned, VoyageUndone
from tidegate import Context, Emission, Gather, emit, function, gather


@function
async def plan_voyage(
    plan: VoyagePlanned, ctx: Context
) -> list[Emission[PortCalled] | Gather[PortCalled, VoyageEnded] | QuayHeld]:
    for number in range(plan.undone):
        ctx.compensate(VoyageUndone(voyage=plan.voyage, number=number))
    delay = timedelta(seconds=1) if plan.delayed else None
    calls = [emit(PortCalled(voyage=plan.voyage, crates=crates(plan, port)), delay=delay) for port in range(plan.ports)]
    held = [QuayHeld(voyage=plan.voyage)] * plan.held
    return [gather(calls, then=VoyageEnded(voyage=plan.voyage)), *held] if plan.gathered else [*calls, *held]


def crates(plan: VoyagePlanned, port: int) -> tuple[Crate, ...]:
    """The crates for one port, each as often as it is announced."""
    numbers = range(port * plan.crates, (port + 1) * plan.crates)
    return tuple(crate(plan, number) for number in numbers for _ in range(plan.announcements))


def crate(plan: VoyagePlanned, number: int) -> Crate:
    return Crate(
        crate=f"{plan.voyage}-{number}",
        voyage=plan.voyage,
        spoiled=number in plan.spoiled,
        contraband=number in plan.contraband,
        lost=number in plan.lost,
    )
