"""`tidegate smoke`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tidegate.client import Client, JobStatus
from tidegate.errors import ConfigurationError
from tidegate_ops.cli.console import say
from tidegate_ops.cli.gateway_client import ApiKey, Token, Url, open_client, run
from tidegate_ops.cli.job_view import exit_as, show_failures
from tidegate_ops.cli.options import DryRun, EventTopic
from tidegate_ops.smoke import SmokeTest

_PATIENCE_SECONDS = 10.0


def smoke(
    topic: EventTopic,
    file: Annotated[Path, typer.Argument(help="The JSON to submit: an event that does no harm.")],
    seconds: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long all of it may take.")
    ] = 300.0,
    dry_run: DryRun = False,
    url: Url = "",
    api_key: ApiKey = "",
    token: Token = "",
) -> None:
    """Try a deployment: submit one event to its gateway, and wait until the job has settled.

    What may pass soon after a deployment is tried again: a gateway that does not answer yet, and a
    role that does not count yet. Exit code 1 says that the job did not succeed, 2 that it did not
    settle in time or was refused.

    [bold]Example:[/bold]  tidegate smoke manifest.received infra/smoke.json --timeout 60
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    client = open_client(url, api_key, token, patience=_PATIENCE_SECONDS)
    if dry_run:
        say(f"would submit {file} to {topic}, and wait {seconds:g} s for its job; nothing was submitted")
        return
    started = time.monotonic()
    status = run(_try(client, seconds, topic, data))
    show_failures(status)
    exit_as(status)
    say(f"{topic} was accepted and handled in {time.monotonic() - started:.1f} s: job {status.id}", "green")


async def _try(client: Client, seconds: float, topic: str, data: bytes) -> JobStatus:
    async with client:
        return await SmokeTest(client, seconds).run(topic, data)
