"""Commands that talk to the gateway as any client does."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

from tidegate.client import Client
from tidegate.client.pacing import PATIENCE_SECONDS, OnWait
from tidegate.errors import ConfigurationError
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

T = TypeVar("T")

GATEWAY = "gateway"
"""The HTTP function at the front door."""
_INTERRUPTED_EXIT = 130

Url = Annotated[
    str, typer.Option("--url", envvar="TIDEGATE_URL", help="The gateway's URL; by default the local stack's.")
]
ApiKey = Annotated[str, typer.Option("--api-key", envvar="TIDEGATE_API_KEY", help="Sent as X-API-Key.")]
Token = Annotated[
    str,
    typer.Option(
        "--token", envvar="TIDEGATE_TOKEN", help="Sent as bearer token: what `gcloud auth print-identity-token` prints."
    ),
]


def open_client(
    url: str, api_key: str, token: str, *, patience: float = PATIENCE_SECONDS, on_wait: OnWait | None = None
) -> Client:
    """A client of the gateway at ``url``, or else of the local stack's; see `Client` for the rest.

    Raises:
        ConfigurationError: no URL is named, and no stack with a gateway runs.
    """
    return Client(
        url or _local_gateway(),
        api_key=api_key,
        token=(lambda: token) if token else None,
        patience=patience,
        on_wait=on_wait,
    )


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; Ctrl-C cancels it and ends the command."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED_EXIT) from None


def _local_gateway() -> str:
    state = StackState.find(Project.find())
    if state is None:
        raise ConfigurationError(
            "no local stack is running: start one with `tidegate up`, or name a gateway with --url or TIDEGATE_URL"
        )
    if not state.ready:
        raise ConfigurationError("the local stack is still starting: wait until `tidegate up` says it is ready")
    if GATEWAY not in state.functions:
        raise ConfigurationError(
            f"the local stack has no {GATEWAY}: add it to http_functions in topology.yaml, or name one with --url"
        )
    return f"http://127.0.0.1:{state.functions[GATEWAY].port}"
