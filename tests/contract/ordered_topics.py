"""Ordered push subscriptions under test: what the topology asks for, on each broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeAlias

from tests.contract.brokers import emulator_broker
from tidegate.adapters.memory_broker import MemoryBroker, Push
from tidegate.ports import Publisher
from tidegate.topology import Topology
from tidegate_ops.broker import LocalBroker
from tidegate_ops.embedded_application import subscription
from tidegate_ops.provision import provision

FUNCTION, TOPIC = "edit_note", "note.edited"
TOPOLOGY = Topology.model_validate(
    {
        "application": "contract-tests",
        "topics": {TOPIC: {}},
        "functions": {
            FUNCTION: {
                "topic": TOPIC,
                "ordered": True,
                "attempts": 2,
                "backoff": {"min_seconds": 0.05, "max_seconds": 0.05},
            },
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
    }
)

OpenTopic: TypeAlias = Callable[[Push], AbstractAsyncContextManager[Publisher]]
"""Makes the topic and the function's subscription, which pushes to the argument; gone when left."""


@asynccontextmanager
async def memory_topic(push: Push) -> AsyncIterator[Publisher]:
    """On the broker in memory."""
    broker = MemoryBroker([TOPIC, TOPOLOGY.dead_letter_topic])
    broker.subscribe(subscription(TOPOLOGY, FUNCTION, push))
    try:
        yield broker
    finally:
        await broker.close()


@asynccontextmanager
async def emulator_topic(host: str, push: Push) -> AsyncIterator[Publisher]:
    """On the emulator, in a project of its own."""
    with served(push) as url:
        async with emulator_broker(host) as broker:
            with LocalBroker(host, broker.project) as local:
                provision(local, TOPOLOGY, {FUNCTION: url})
                try:
                    yield broker.publisher
                finally:
                    # Or the emulator would push to where nobody listens, as long as it lives.
                    local.subscriber.delete_subscription(subscription=local.subscription_path("edit-note"))


@contextmanager
def served(push: Push) -> Iterator[str]:
    """The address of a server, in threads, whose requests go to ``push`` on the running event loop."""
    loop = asyncio.get_running_loop()

    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = asyncio.run_coroutine_threadsafe(_answer(push, headers, body), loop).result()
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def _answer(push: Push, headers: dict[str, str], body: bytes) -> int:
    return await push(headers, body)
