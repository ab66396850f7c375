"""Cold starts: from no process to the first delivery that is answered."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from uuid import uuid4

from tests.benchmarks.load import Load, send
from tests.benchmarks.meter import Meter
from tests.benchmarks.recipes import Recipe, listens
from tests.benchmarks.scenarios import Scenario

_POLL_SECONDS = 0.005
_READY_SECONDS = 60
_IMPORT = "import time; began = time.process_time(); import main; print(time.process_time() - began)"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of one function.

    Attributes:
        seconds: from the start of its server to the answer to its first delivery, which connects it to everything.
        cpu_seconds: processor time until then.
        import_seconds: processor time of importing its module in a bare interpreter.
    """

    seconds: float
    cpu_seconds: float
    import_seconds: float


def start(recipe: Recipe) -> Start:
    """Start a function once, and end it."""
    service = recipe.service()
    began = time.perf_counter()
    with service.process:
        while not listens(service.port):
            if time.perf_counter() - began > _READY_SECONDS or not service.process.alive:
                raise TimeoutError(f"{recipe.name} does not listen: {service.process.last_lines}")
            time.sleep(_POLL_SECONDS)
        send(Load(f"127.0.0.1:{service.port}", Scenario("start", in_flight=1), uuid4().hex[:8], 1))
        return Start(time.perf_counter() - began, Meter.total_seconds(service.process.pid), _import_seconds(recipe))


def _import_seconds(recipe: Recipe) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT],
        cwd=recipe.source.folder,
        env={**os.environ, **recipe.environment, "PYTHONPATH": str(recipe.source.import_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
