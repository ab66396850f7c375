"""Counts how often it is told that a job has settled."""

from google.cloud import firestore

from contracts.jobs import JobSettled
from tidegate import Context, function


@function
async def note_settled(settled: JobSettled, ctx: Context) -> None:
    told = ctx.firestore.document(f"told/{settled.job_id}")
    ctx.batch.set(told, {"state": settled.state, "times": firestore.Increment(1)}, merge=True)
