"""A gateway of the tests' own, behind a network that can be cut, and time that passes only when it is waited for."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.acceptance.tcp_proxy import TcpProxy
from tests.unit.client.hand_wound_time import HandWoundTime
from tests.unit.client.scripted_gateway import GatewayServer, ScriptedGateway
from tidegate.client import Client


@pytest.fixture(scope="session")
def server() -> Iterator[GatewayServer]:
    """One server for all tests; what it serves is each test's own."""
    with GatewayServer() as server:
        yield server


@pytest.fixture
def gateway(server: GatewayServer) -> Iterator[ScriptedGateway]:
    """A gateway without jobs."""
    gateway = ScriptedGateway()
    server.application = gateway
    yield gateway
    gateway.close()


@pytest.fixture
def network(server: GatewayServer) -> Iterator[TcpProxy]:
    """The network in front of the gateway."""
    with TcpProxy() as proxy:
        proxy.target = server.host
        yield proxy


@pytest.fixture
def url(network: TcpProxy, gateway: ScriptedGateway) -> str:
    """The gateway's address."""
    return f"http://{network.host}"


@pytest.fixture
def time() -> HandWoundTime:
    """The client's time."""
    return HandWoundTime()


@pytest.fixture
async def client(url: str, time: HandWoundTime) -> AsyncIterator[Client]:
    """A client of the gateway with a patience of 60 seconds."""
    async with Client(url, patience=60, pacing=time.pacing) as client:
        yield client
