"""A task queue's way: Redis holds the tasks, and one key for each event that was seen.

It keeps no lease, fences nobody and has no outbox. Redis writes nothing to disk here.
"""

import os

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

DAY_SECONDS = 86_400

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
seen = redis.Redis.from_url(os.environ["REDIS_URL"])


@dramatiq.actor(queue_name="copies")
def letter_copied(event_id: str, letter: str, number: int) -> None:
    """Nobody works on these: what is measured ends with the sending."""


@dramatiq.actor(queue_name="letters")
def copy_letter(event_id: str, letter: str, copies: int, text: str) -> None:
    if not seen.set(f"seen:{event_id}", 1, nx=True, ex=DAY_SECONDS):
        return
    for number in range(copies):
        letter_copied.send(f"{event_id}-{number}", letter, number)
