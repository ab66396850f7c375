"""What people write after Google's documentation, in asyncio: create the event's document if absent, then publish.

It keeps no lease, fences nobody and has no outbox: if it dies between the two, the copies are never published.
"""

import base64
import json
import os
from functools import cache

import functions_framework.aio
import grpc
from google.api_core.exceptions import AlreadyExists
from google.cloud import firestore
from google.pubsub_v1 import PublisherAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.types import PubsubMessage
from starlette.requests import Request

TOPIC = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/letter.copied"
MOST_MESSAGES = 1000  # that Pub/Sub takes in a call


@cache
def database() -> firestore.AsyncClient:
    return firestore.AsyncClient()


@cache
def publisher() -> PublisherAsyncClient:
    # This client does not look at PUBSUB_EMULATOR_HOST by itself.
    channel = grpc.aio.insecure_channel(os.environ["PUBSUB_EMULATOR_HOST"])
    return PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))


@functions_framework.aio.http
async def copy_letter(request: Request) -> tuple[str, int]:
    envelope = await request.json()
    message = envelope["message"]
    event_id = message["attributes"]["ce-id"]
    letter = json.loads(base64.b64decode(message["data"]))
    seen = database().collection("seen").document(event_id)
    try:
        await seen.create({"at": firestore.SERVER_TIMESTAMP})
    except AlreadyExists:
        return "seen before", 200
    messages = [
        PubsubMessage(
            data=json.dumps({"letter": letter["letter"], "number": number}).encode(),
            attributes={"ce-id": f"{event_id}-{number}", "ce-type": "letter.copied"},
        )
        for number in range(letter["copies"])
    ]
    for first in range(0, len(messages), MOST_MESSAGES):
        await publisher().publish(topic=TOPIC, messages=messages[first : first + MOST_MESSAGES])
    return "copied", 200
