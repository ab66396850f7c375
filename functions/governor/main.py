"""Pauses the functions whose dependencies are cut off, and resumes them: what waits costs no deliveries."""

from contracts.governor import GovernorWoken
from tidegate import Context, Emission, emit, function


@function
async def governor(woken: GovernorWoken, ctx: Context) -> list[Emission[GovernorWoken]]:
    """Look through all of them, whoever woke it, and again when the next cool-down is over."""
    ends = await ctx.govern()
    return [emit(GovernorWoken(cause=f"the cool-down of {name} is over"), at=end) for name, end in ends.items()]
