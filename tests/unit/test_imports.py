"""What a function loads before it is asked anything: a cold start pays for each module."""

import subprocess
import sys

BANNED = (
    "google.api_core",
    "google.auth",
    "google.cloud.firestore",
    "google.cloud.pubsub",
    "google.cloud.tasks",
    "google.protobuf",
    "google.pubsub",
    "grpc",
    "httpx",
    "opentelemetry",
    "proto",
    "requests",
    "rich",
    "tidegate.adapters",
    "tidegate.client",
    "tidegate.testing",
    "tidegate_ops",
    "typer",
)
FUNCTION = """
import sys
from tidegate import Contract, Context, function

class OrderPlaced(Contract, type="order.placed", version=1):
    order_id: str

@function
async def pack(order: OrderPlaced, ctx: Context) -> None: ...

print(*sys.modules)
"""
PORTS = """
import asyncio, sys
from tidegate.service import google_ports
from tidegate.settings import Settings

async def connect():
    google_ports(Settings("p", firestore_emulator_host="localhost:1", pubsub_emulator_host="localhost:1"))

asyncio.run(connect())
print(*sys.modules)
"""


def loaded(program: str) -> list[str]:
    """The modules that an interpreter of its own has loaded at the end of it."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def found(modules: list[str], names: tuple[str, ...]) -> list[str]:
    return [each for each in modules if any(each == name or each.startswith(f"{name}.") for name in names)]


def test_a_plain_function_loads_no_client() -> None:
    """Neither Google's libraries nor anybody's tools: they come with the first delivery, or never."""
    assert found(loaded(FUNCTION), BANNED) == []


def test_the_first_delivery_loads_what_every_function_uses() -> None:
    """What only some use, such as timers, telemetry and the publisher with flow control of its own, stays out."""
    some = ("google.cloud.pubsub_v1", "google.cloud.tasks_v2", "httpx", "opentelemetry.exporter", "opentelemetry.sdk")
    assert found(loaded(PORTS), some) == []
