"""The asynchronous client."""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from tidegate.client.errors import GatewayUnavailable, SubmissionRefused
from tidegate.client.gateway import PASSING, Gateway
from tidegate.client.job import Job
from tidegate.client.pacing import PATIENCE_SECONDS, OnWait, Pacing
from tidegate.client.problem import Problem
from tidegate.client.submission import JSON, NDJSON, Batch, Options, Payload, batches
from tidegate.contracts import Contract

J = TypeVar("J")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[J]):
    """What became of one event of many.

    Attributes:
        position: the event's place in what was handed in, from 0.
        job: what it has become, if it was accepted.
        refusal: why it was not.
    """

    position: int
    job: J | None = None
    refusal: SubmissionRefused | None = None


class Client:
    """Submits events to the gateway at ``url``, and follows what they cause::

        async with Client(url) as client:
            job = await client.submit(order)
            print(await job)

    Args:
        api_key: sent as X-API-Key.
        token: called for each request, in a thread; what it returns is sent as bearer token.
        timeout: seconds without a byte before a try counts as failed.
        patience: seconds for which a request that fails is tried again. Every submission carries an
            idempotency key, so that trying again never has it done twice.
        on_wait: called before each wait for the next try, with the GatewayUnavailable that is the reason and with
            the seconds that it takes.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        token: Callable[[], str] | None = None,
        timeout: float = 10.0,
        patience: float = PATIENCE_SECONDS,
        on_wait: OnWait | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        self._gateway = Gateway(
            url,
            api_key=api_key,
            token=token,
            timeout=timeout,
            patience=patience,
            pacing=pacing or Pacing(),
            on_wait=on_wait,
        )

    async def __aenter__(self) -> Self:
        await self._gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections, and end all waiting."""
        await self._gateway.__aexit__(kind, error, trace)

    async def submit(
        self,
        event: Contract | None = None,
        *,
        topic: str = "",
        data: object = None,
        key: str = "",
        idempotency_key: str = "",
        callback_url: str = "",
        expires_in: timedelta | None = None,
        class_: str = "",
    ) -> Job:
        """Hand in an event: an instance of its contract, or ``topic=`` and ``data=``, a JSON value or its bytes.

        Args:
            key: events of one ordering key are handled in their order.
            idempotency_key: submissions of the same data under the same key are one. Drawn by default.
            callback_url: gets a signed POST when the job has settled.
            expires_in: after this time, whole seconds of it, the event is dropped instead of handled.
            class_: how important it is, one of the topology's classes; what its topic says by default.

        Raises:
            SubmissionRefused: it was not accepted.
            GatewayUnavailable: it may be accepted or not; the message says how to make sure.
        """
        payload = Payload.of(data if event is None else event, topic)
        headers = Options(idempotency_key, key, callback_url, expires_in, class_).headers()
        answer = await self._post(payload, JSON, headers, payload.data)
        return Job(self._gateway, _job_id(answer))

    async def submit_many(
        self,
        events: Iterable[object] | AsyncIterable[object],
        *,
        topic: str = "",
        key: str = "",
        idempotency_key: str = "",
        callback_url: str = "",
        expires_in: timedelta | None = None,
        class_: str = "",
    ) -> AsyncGenerator[Outcome[Job], None]:
        """Hand in any number of events, and tell of each what became of it, in their order.

        Events are instances of contracts, or JSON values for ``topic``. They are taken from ``events`` in batches
        of some hundred, the next once all of the last were told of. The options hold for each event. Under the
        same ``idempotency_key`` the same events in the same order are not done twice.

        Raises:
            SubmissionRefused: the gateway takes nothing of a batch, such as for a topic that it does not know.
            GatewayUnavailable: of the events not told of yet, some may be accepted.
        """
        options = Options(idempotency_key or uuid4().hex, key, callback_url, expires_in, class_)
        async with aclosing(batches(events, topic)) as each:
            async for batch in each:
                headers = options.headers()
                headers["Idempotency-Key"] += f".{batch.number}"
                for outcome in await self._submit_batch(batch, headers):
                    yield outcome

    def job(self, job_id: str) -> Job:
        """The job of this id, submitted at any time by anybody; whether there is one shows when it is asked about."""
        return Job(self._gateway, job_id)

    async def _submit_batch(self, batch: Batch, headers: dict[str, str]) -> list[Outcome[Job]]:
        """Every event's outcome. Lines without a clear answer are sent again, at their old numbers."""
        open_lines = {number: payload.line() for number, payload in enumerate(batch.payloads, start=1)}
        outcomes: dict[int, Outcome[Job]] = {}
        attempts = self._gateway.attempts()
        while open_lines:
            body = b"\n".join(open_lines.get(number, b"") for number in range(1, max(open_lines) + 1))
            answer = await self._post(batch.payloads[0], NDJSON, headers, body)
            put_off: list[Problem] = []
            for line in map(_json_object, answer.content.split(b"\n")):
                number = line.get("line")
                if number in open_lines and line.get("status") in PASSING:
                    put_off.append(Problem.of_line(line))
                elif number in open_lines:
                    outcomes[number] = self._outcome(batch, line)
                    del open_lines[number]
                    attempts = self._gateway.attempts()
            if open_lines:
                await attempts.pause_after(_with_advice(_uncertain(answer.url, len(open_lines), put_off), headers))
        return [outcomes[number] for number in sorted(outcomes)]

    def _outcome(self, batch: Batch, line: dict[str, Any]) -> Outcome[Job]:
        position = batch.start + line["line"] - 1
        if "id" in line:
            return Outcome(position, job=Job(self._gateway, line["id"]))
        what = f"event {position + 1}, for {batch.payloads[0].topic}, was refused"
        return Outcome(position, refusal=SubmissionRefused(what, Problem.of_line(line)))

    async def _post(self, payload: Payload, media: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        path = f"/v1/events/{quote(payload.topic, safe='')}"
        if payload.version:
            path += f"?version={payload.version}"
        try:
            answer = await self._gateway.send("POST", path, headers={**headers, "Content-Type": media}, content=body)
        except GatewayUnavailable as error:
            raise _with_advice(error, headers) from error
        if not answer.is_success:
            raise SubmissionRefused(f"{payload.topic} was refused", Problem.read(answer))
        return answer


def _uncertain(url: httpx.URL, count: int, put_off: list[Problem]) -> GatewayUnavailable:
    """What is said of the lines of a batch that may be taken later, for the reason of the first of them."""
    reason = f": {put_off[0]}" if put_off else ""
    times = [each.retry_after for each in put_off if each.retry_after is not None]
    return GatewayUnavailable(
        f"{url} has not taken {count} events for certain{reason}", retry_after=max(times, default=None)
    )


def _job_id(answer: httpx.Response) -> str:
    found = _json_object(answer.content).get("id")
    if not isinstance(found, str):
        raise GatewayUnavailable(f"{answer.url} does not answer as a gateway does: it names no job")
    return found


def _json_object(text: bytes) -> dict[str, Any]:
    """The object, or an empty one where there is none that can be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _with_advice(error: GatewayUnavailable, headers: dict[str, str]) -> GatewayUnavailable:
    key = headers["Idempotency-Key"]
    return GatewayUnavailable(
        f"{error}; it may have been accepted: submit the same again under idempotency key {key} to be sure",
        retry_after=error.retry_after,
    )
