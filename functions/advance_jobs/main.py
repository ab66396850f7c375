"""Publishes what a job owes once a part of it has settled: what follows a gathering, compensations, the callback."""

from contracts.jobs import JobAdvanced
from tidegate import Context, function


@function
async def advance_jobs(advanced: JobAdvanced, ctx: Context) -> None:
    """Advance one job. Its events may be of any topic, so no other function needs the right to publish there."""
    await ctx.advance(advanced.job_id, advanced.node)
