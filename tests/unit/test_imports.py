"""What a function loads before it is asked anything, and for its first delivery: a cold start pays for each module.

So does everybody who waits for a command.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

import tidegate
from tidegate_ops.broker import LocalBroker

NEVER = (
    "google.cloud.tasks_v2",
    "httpx",
    "opentelemetry",
    "rich",
    "tidegate.client",
    "tidegate.testing",
    "tidegate.topology",
    "tidegate_ops",
    "typer",
)
BEFORE_A_DELIVERY = (*NEVER, "google.auth", "google.protobuf", "grpc", "tidegate.adapters")
"""What a delivery needs is loaded with the first one."""
GOOGLES_CLIENTS = (
    "google.api_core",
    "google.cloud.firestore",
    "google.cloud.firestore_v1",
    "google.cloud.pubsub_v1",
    "google.pubsub",
    "google.pubsub_v1",
    "proto",
    "requests",
)
"""Their loading would take longer than all the rest of a cold start."""
WHAT_SOME_NEED = (
    "tidegate.adapters.cloud_tasks_timers",
    "tidegate.adapters.firestore_circuits",
    "tidegate.adapters.firestore_jobs",
    "tidegate.adapters.firestore_lanes",
    "tidegate.adapters.firestore_pauses",
    "tidegate.adapters.google_clients",
)
"""Jobs, dependencies, limits per key, delays: made with their first use."""
FUNCTION = """
import sys
from tidegate import Contract, Context, function

class OrderPlaced(Contract, type="order.placed", version=1):
    order_id: str

class OrderPacked(Contract, type="order.packed", version=1):
    order_id: str

@function
async def pack(order: OrderPlaced, ctx: Context) -> OrderPacked:
    return OrderPacked(order_id=order.order_id)
"""
DELIVERY = """
import asyncio
from tidegate.service import Service, google_ports
from tidegate.settings import Settings
from tidegate.function_config import FunctionConfig

async def deliver():
    config = FunctionConfig(
        function="pack", topic="order.placed", emits=["order.packed"], timeout_seconds=60, lease_seconds=90, attempts=5,
        concurrency=1, dead_letter_topic="dead.letters", ledger_days=1, subscribers={"order.packed": ["send"]},
    )
    settings = Settings.read()
    service = Service(pack.handler, config, google_ports(settings), settings.environment)
    event = {"ce-id": "1", "ce-type": "order.placed", "ce-source": "/shop", "ce-specversion": "1.0"}
    return await service.receive({"content-type": "application/json", **event}, b'{"order_id": "1"}')

answer = asyncio.run(deliver())
assert answer.body["verdict"] == "done", answer
"""


def loaded(program: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """The modules that an interpreter of its own has loaded at the end of it."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nprint(*sys.modules)"],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


def found(modules: list[str], names: tuple[str, ...]) -> list[str]:
    return [each for each in modules if any(each == name or each.startswith(f"{name}.") for name in names)]


def test_a_plain_function_loads_no_client() -> None:
    """Neither Google's libraries nor anybody's tools: they come with the first delivery, or never."""
    assert found(loaded(FUNCTION), (*BEFORE_A_DELIVERY, *GOOGLES_CLIENTS)) == []


def test_the_first_delivery_loads_what_every_function_uses(firestore_emulator: Any, pubsub_emulator: Any) -> None:
    """A plain function claims, commits and publishes without Google's clients, and without what only some use."""
    project = f"imports-{uuid4().hex[:8]}"
    with LocalBroker(pubsub_emulator.host, project) as broker:
        broker.publisher.create_topic(name=broker.topic_path("order.packed"))
    modules = loaded(
        FUNCTION + DELIVERY,
        {
            "GOOGLE_CLOUD_PROJECT": project,
            "FIRESTORE_EMULATOR_HOST": firestore_emulator.host,
            "PUBSUB_EMULATOR_HOST": pubsub_emulator.host,
        },
    )
    assert found(modules, (*NEVER, *GOOGLES_CLIENTS, *WHAT_SOME_NEED)) == []
    assert "tidegate.adapters.pubsub_publisher" in modules


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_the_list_of_commands_loads_no_command(arguments: list[str]) -> None:
    """Nor what commands need: each loads its own."""
    program = f"""
import sys
from tidegate_ops.cli import app
try:
    app({arguments})
except SystemExit:
    print(*sys.modules)
"""
    libraries = ("functions_framework", "grpc", "httpx", "jinja2", "pydantic", "ruamel", "starlette", "uvicorn")
    modules = loaded(program)
    assert "tidegate_ops.cli.commands" in modules
    assert found(modules, (*GOOGLES_CLIENTS, *libraries, "tidegate.topology", "tidegate_ops.project")) == []


def test_one_module_of_the_runtime_loads_no_other() -> None:
    """The package itself is empty until somebody asks for a name."""
    modules = loaded("import sys, tidegate.errors; print(*sys.modules)")
    assert found(modules, ("tidegate",)) == ["tidegate", "tidegate.errors"]


def test_the_package_has_its_names_and_no_other() -> None:
    """Whenever they are imported."""
    for name in tidegate.__all__:
        assert getattr(tidegate, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'tidegate' has no attribute 'functoin'"):
        _ = tidegate.functoin
