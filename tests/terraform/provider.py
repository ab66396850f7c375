"""A provider that is started once: where one takes longer to start than to plan, that is most of the time."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.terraform.terraform import Configuration

_ATTACHED = re.compile(r"TF_REATTACH_PROVIDERS='(.*)'")


@contextmanager
def serving(configuration: Configuration) -> Iterator[dict[str, str]]:
    """Start an initialised configuration's provider, and end it at last: what tells terraform to use that one.

    The stand-in for the registry can be asked for it by ``--dev``. The provider itself cannot, and ends at once: it is
    a compiled program, which terraform starts in no time.
    """
    [program] = (configuration.folder / ".terraform" / "providers").glob("*/*/google/*/*/terraform-provider-google_*")
    with subprocess.Popen(
        [program, "--dev"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            found = next((found for line in process.stdout if (found := _ATTACHED.search(line))), None)
            yield {"TF_REATTACH_PROVIDERS": found[1]} if found else {}
        finally:
            process.terminate()
