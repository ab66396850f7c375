"""`tidegate console`."""

import asyncio
import getpass
import ipaddress
import os
from typing import Annotated

import typer

from tidegate.client import Client
from tidegate.errors import ConfigurationError
from tidegate_ops.cli.console import err, say
from tidegate_ops.cli.gateway_client import ApiKey, Token, Url, open_client
from tidegate_ops.cli.options import ProjectId
from tidegate_ops.cli.stop_signals import stop_signals
from tidegate_ops.connections import find_settings
from tidegate_ops.console.application import LOOPBACK, application
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.server import PATIENCE_SECONDS
from tidegate_ops.embedded_server import EmbeddedServer
from tidegate_ops.operations import open_operations
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

PASSWORD_VARIABLE = "TIDEGATE_CONSOLE_PASSWORD"  # noqa: S105 - the name of the variable
_LEAST_CHARACTERS = 12
_LOCAL_SECONDS, _CLOUD_SECONDS = 1.0, 15.0  # a look at the cloud costs reads, and what it shows is minutes old


def console(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = LOOPBACK[0],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any that is free.")] = 0,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A name by which it is called, beside the address."),
    ] = None,
    url: Url = "",
    api_key: ApiKey = "",
    token: Token = "",
    project_id: ProjectId = "",
) -> None:
    """Serve the operator's console until Ctrl-C; `tidegate up` has one already.

    It listens on the loopback, for this machine alone. On any other address it asks for the password in
    TIDEGATE_CONSOLE_PASSWORD, without which it does not start; it speaks plain HTTP, so put TLS before it.
    --url, --api-key and --token say how jobs are submitted.

    [bold]Examples:[/bold]

    tidegate console

    tidegate console --project my-project --url https://gateway.example.com
    """
    password = os.environ.get(PASSWORD_VARIABLE, "")
    hosts = _hosts(host, names or [], password)
    project = Project.find()

    async def serve() -> None:
        settings = find_settings(project, project_id)
        local = bool(settings.pubsub_emulator_host)

        def client(function: str) -> Client | None:
            known = url or (_local_url(project, function) if local else "")
            return open_client(known, api_key, token, patience=PATIENCE_SECONDS) if known and function else None

        async with open_operations(project, settings) as operations:
            desk = Desk.of(
                operations,
                "Local stack" if local else f"Project {settings.project}",
                getpass.getuser(),
                client=client,
                every_seconds=_LOCAL_SECONDS if local else _CLOUD_SECONDS,
            )
            shown = application(desk, hosts=hosts, password=password)
            server = EmbeddedServer(shown, host, port)
            say(f"open the console: {server.url}", "bold")
            say("stop:             Ctrl-C")
            try:
                await asyncio.Event().wait()
            finally:
                await server.close()
                await shown.state.drains.close()

    with stop_signals():
        try:
            asyncio.run(serve())
        except KeyboardInterrupt:
            err.print("stopped")
            raise typer.Exit from None
        except OSError as error:
            raise ConfigurationError(
                f"{host}:{port} cannot be listened on ({error.strerror}): choose another"
            ) from error


def _hosts(host: str, names: list[str], password: str) -> list[str]:
    """The names by which the console may be called.

    Raises:
        ConfigurationError: others than this machine could call it, and it would not know who may.
    """
    if password and len(password) < _LEAST_CHARACTERS:
        raise ConfigurationError(f"{PASSWORD_VARIABLE} is too short: use {_LEAST_CHARACTERS} characters or more")
    if _is_loopback(host):
        return [*LOOPBACK, *names]
    if not password:
        raise ConfigurationError(
            f"others could reach the console on {host}, and do what they like: set {PASSWORD_VARIABLE}, "
            f"or leave --host out and go through a tunnel"
        )
    if host == "0.0.0.0" and not names:  # noqa: S104 - looked for, not bound
        raise ConfigurationError("with --host 0.0.0.0 say by which --name the console is called")
    return [*LOOPBACK, host, *names]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _local_url(project: Project, function: str) -> str:
    state = StackState.find(project)
    running = state.functions.get(function) if state else None
    return f"http://127.0.0.1:{running.port}" if running else ""
