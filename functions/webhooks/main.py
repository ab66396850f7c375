"""Tell a job's callback URL that the job has settled, signed so that the receiver can believe it."""

import os
from functools import cache

from breakers import Breakers
from courier import Courier
from notice import Notice
from settings import WebhookSettings
from signatures import signed_headers

from contracts.jobs import JobSettled
from tidegate import Context, function
from tidegate.clock import system_clock

CONTENT_HEADERS = {"Content-Type": "application/json", "User-Agent": "tidegate-webhooks"}


@function
async def webhooks(settled: JobSettled, ctx: Context) -> None:
    """Make one attempt, log it below the job, and end as it ended."""
    keys = settings().keys
    job = ctx.firestore.collection("jobs").document(settled.job_id)
    notice = await Notice.read(job, settled)
    began = system_clock()
    signed = signed_headers(
        keys, webhook_id=ctx.idempotency_key("webhook"), timestamp=int(began.timestamp()), body=notice.body
    )
    outcome = await courier().deliver(settled.callback_url, CONTENT_HEADERS | signed, notice.body)
    # Written by itself: the batch stands only where the attempt succeeds. A redriven event counts its
    # attempts from 1 again, so the time is what tells them all apart.
    await (
        job.collection("job_callbacks")
        .document(f"{began:%Y%m%dT%H%M%S.%fZ}-{ctx.attempt}")
        .set(
            {
                "at": began,
                "attempt": ctx.attempt,
                "host": outcome.host,
                "status": outcome.status,
                "error": outcome.error,
                "duration_ms": round((system_clock() - began).total_seconds() * 1000),
                "expire_at": notice.expire_at,
            }
        )
    )
    outcome.conclude()


@cache
def settings() -> WebhookSettings:
    """Read when the first event arrives, since tools import this module where no secret is."""
    return WebhookSettings.read(os.environ)


@cache
def courier() -> Courier:
    """One per instance: its breakers remember across events."""
    return Courier(loopback=settings().loopback, breakers=Breakers())
