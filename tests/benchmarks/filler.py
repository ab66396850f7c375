"""A ledger that has been in use for long."""

import secrets
from collections.abc import Iterator

import grpc
import httpx
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import Document, Write

_BATCH = 500
"""The most writes that Firestore takes in a call."""
_LEDGER = "ledger"
_OWNER = [("authorization", "Bearer owner")]
"""The emulator takes this call from nobody else."""


class Filler:
    """Fills the ledger of a project with copies of a record that is in it, under ids like its own."""

    def __init__(self, host: str, project: str) -> None:
        self._host = host
        self._channel = grpc.insecure_channel(host)
        self._client = FirestoreClient(transport=FirestoreGrpcTransport(channel=self._channel))
        self._database = f"projects/{project}/databases/(default)"
        self._record = next(
            iter(
                self._client.list_documents(
                    request={"parent": f"{self._database}/documents", "collection_id": _LEDGER, "page_size": 1}
                )
            )
        )

    def clear(self) -> None:
        """Delete everything that the project's database holds, as the emulator can."""
        httpx.delete(f"http://{self._host}/emulator/v1/{self._database}/documents", timeout=60).raise_for_status()

    def fill(self, records: int) -> None:
        """Write so many more."""
        for first in range(0, records, _BATCH):
            count = min(_BATCH, records - first)
            answer = self._client.batch_write(
                request={"database": self._database, "writes": [*self._writes(count)]}, metadata=_OWNER
            )
            assert not any(status.code for status in answer.status)

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def _writes(self, count: int) -> Iterator[Write]:
        folder, _, name = self._record.name.rpartition("/")
        function = name.partition(".")[0]
        for _ in range(count):
            yield Write(
                update=Document(name=f"{folder}/{function}.{secrets.token_hex(32)}", fields=self._record.fields)
            )
