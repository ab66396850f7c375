"""`tidegate submit`."""

import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from tidegate.client import Client, GatewayUnavailable, Job
from tidegate.client.client import Outcome
from tidegate.client.pacing import PATIENCE_SECONDS
from tidegate.errors import ConfigurationError
from tidegate.jobs import JobState
from tidegate_ops.cli.console import complain, err, say
from tidegate_ops.cli.gateway_client import ApiKey, Token, Url, open_client, run
from tidegate_ops.cli.job_view import exit_as, facts_of, follow, print_json, show_failures
from tidegate_ops.cli.options import AsJson, DryRun, EventTopic


def submit(
    topic: EventTopic,
    file: Annotated[str, typer.Argument(help="The JSON to submit; - reads standard input.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the job has settled, and print its result as JSON.")
    ] = False,
    idempotency_key: Annotated[
        str, typer.Option("--idempotency-key", help="To submit the same again under this key does nothing twice.")
    ] = "",
    key: Annotated[str, typer.Option("--key", help="Ordering key.")] = "",
    callback_url: Annotated[str, typer.Option("--callback-url", help="Gets a signed POST when a job settles.")] = "",
    class_: Annotated[str, typer.Option("--class", help="How important it is, by the topology's classes.")] = "",
    lines: Annotated[bool, typer.Option("--lines", help="Every line is the JSON of one event.")] = False,
    patience: Annotated[
        float,
        typer.Option("--patience", min=0, help="Seconds for which what the gateway does not take is tried again."),
    ] = PATIENCE_SECONDS,
    dry_run: DryRun = False,
    url: Url = "",
    api_key: ApiKey = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Submit events to the gateway; prints the ids of their jobs.

    Exit code 1 says that the job waited for did not succeed, or that lines were refused; 2 that the event, or a whole
    batch, was refused, or that the gateway did not answer.

    [bold]Examples:[/bold]

    tidegate submit manifest.received manifest.json --wait

    tidegate submit manifest.received manifests.ndjson --lines --idempotency-key 20130208
    """
    if lines and wait:
        raise ConfigurationError(
            "--wait follows one job, --lines submits many: leave one of them out, and follow any of the jobs "
            "with `tidegate job show ID --watch`"
        )
    options = {
        "topic": topic,
        "key": key,
        "idempotency_key": idempotency_key,
        "callback_url": callback_url,
        "class_": class_,
    }
    client = open_client(url, api_key, token, patience=patience, on_wait=_tell_wait)
    with _opened(file) as source:
        if dry_run:
            _tell_plan(topic, _Lines(file, source) if lines else [source.read()], url or "the local stack's gateway")
        elif lines:
            run(_submit_lines(client, _Lines(file, source), options, as_json))
        else:
            run(_submit_one(client, source.read(), options, wait, as_json))


class _Lines:
    """The lines of a file that are not blank, as they are read.

    Attributes:
        name: the file's, for people.
        numbers: where the lines stand that nothing has been told of yet.
    """

    def __init__(self, file: str, source: BinaryIO) -> None:
        self.name = "standard input" if file == "-" else file
        self.numbers: deque[int] = deque()
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        for number, line in enumerate(self._source, start=1):
            if data := line.strip():
                self.numbers.append(number)
                yield data


async def _submit_one(client: Client, data: bytes, options: dict[str, Any], wait: bool, as_json: bool) -> None:
    async with client:
        job = await client.submit(data=data, **options)
        if not wait:
            print_json({"id": job.id}) if as_json else say(job.id)
            return
        err.print(f"job {job.id}", markup=False)
        status = await follow(job)
    if as_json:
        print_json(facts_of(status))
    elif status.state is JobState.SUCCEEDED:
        print_json(status.result)
    show_failures(status)
    exit_as(status)


async def _submit_lines(client: Client, lines: _Lines, options: dict[str, Any], as_json: bool) -> None:
    refused = 0
    columns = SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn()
    with Progress(*columns, console=err, transient=True) as progress:
        row = progress.add_task(f"submitting to {options['topic']}", total=None)
        async with client:
            async for outcome in client.submit_many(lines, **options):
                progress.advance(row)
                refused += outcome.refusal is not None
                _tell(outcome, lines.name, lines.numbers.popleft(), as_json)
    if refused:
        complain(f"{refused:,} refused; those whose jobs are listed were accepted")
        raise typer.Exit(1)


def _tell_plan(topic: str, events: Iterable[bytes], where: str) -> None:
    """Say what would be submitted; what is no JSON is refused here already."""
    count = 0
    for count, data in enumerate(events, start=1):
        try:
            json.loads(data)
        except ValueError as error:
            raise ConfigurationError(f"event {count} is no JSON: {error}") from error
    say(f"would submit {count:,} {'event' if count == 1 else 'events'} to {topic} at {where}; nothing was submitted")


def _tell_wait(reason: GatewayUnavailable, seconds: float) -> None:
    """Whoever looks on is to know why nothing happens."""
    err.print(f"waiting {seconds:.1f} s: {reason}", style="yellow", markup=False)


def _tell(outcome: Outcome[Job], name: str, number: int, as_json: bool) -> None:
    """What became of one line."""
    if outcome.refusal:
        problem = outcome.refusal.problem
        complain(f"{name}:{number}: {problem}")
        fact: dict[str, Any] = {"problem": problem.model_dump()}
    else:
        assert outcome.job
        fact = {"id": outcome.job.id}
    if as_json:
        typer.echo(json.dumps({"line": number, **fact}))
    elif outcome.job:
        say(outcome.job.id)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115 - what fails later has its own reasons
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    with source:
        yield source
