"""What people write after Google's documentation, with threads: create the event's document if absent, then publish.

It keeps no lease, fences nobody and has no outbox: if it dies between the two, the copies are never published.
"""

import base64
import json
import os
from functools import cache

import functions_framework
from cloudevents.http import CloudEvent
from google.api_core.exceptions import AlreadyExists
from google.cloud import firestore, pubsub_v1

TOPIC = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/letter.copied"


@cache
def database() -> firestore.Client:
    return firestore.Client()


@cache
def publisher() -> pubsub_v1.PublisherClient:
    return pubsub_v1.PublisherClient()


@functions_framework.cloud_event
def copy_letter(cloud_event: CloudEvent) -> None:
    message = cloud_event.data["message"]
    event_id = message["attributes"]["ce-id"]
    letter = json.loads(base64.b64decode(message["data"]))
    seen = database().collection("seen").document(event_id)
    try:
        seen.create({"at": firestore.SERVER_TIMESTAMP})
    except AlreadyExists:
        return
    published = []
    for number in range(letter["copies"]):
        data = json.dumps({"letter": letter["letter"], "number": number}).encode()
        attributes = {"ce-id": f"{event_id}-{number}", "ce-type": "letter.copied"}
        published.append(publisher().publish(TOPIC, data, **attributes))
    for each in published:
        each.result()
