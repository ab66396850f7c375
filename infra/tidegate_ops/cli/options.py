"""Arguments and options that several commands have."""

from typing import Annotated

import typer

from tidegate_ops.cli import completion

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
ProjectId = Annotated[
    str,
    typer.Option(
        "--project",
        help="Work on this Google Cloud project instead of the local stack; where variables name emulators, on theirs.",
    ),
]
Function = Annotated[
    str,
    typer.Argument(help="Its name in the topology, such as rebook_passengers.", autocompletion=completion.functions),
]
OfFunction = Annotated[
    str, typer.Option("--function", help="Only this function's.", autocompletion=completion.functions)
]
EventTopic = Annotated[
    str, typer.Argument(help="The topic, which is also the events' type.", autocompletion=completion.topics)
]
