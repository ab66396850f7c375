"""Copies of projects to run: a stack is its project's only one, and somebody may be using the original."""

import json
import shutil
from pathlib import Path

from ruamel.yaml import YAML

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]
_UNWANTED = shutil.ignore_patterns("__pycache__", ".*", "schemas")


def copy_desk(root: Path, *, timeout_seconds: float | None = None, attempts: int | None = None) -> Path:
    """The flight operations desk; with a timeout, all functions get it and leases end 1 s later.

    With ``attempts``, every function that ever gives up is granted so many.
    """
    shutil.copytree(_REPOSITORY / "functions", root / "functions", ignore=_UNWANTED)
    for package in ("tidegate", "contracts"):
        shutil.copytree(_REPOSITORY / "infra" / package, root / "infra" / package, ignore=_UNWANTED)
    topology = YAML(typ="safe").load(_REPOSITORY / "infra" / "topology.yaml")
    if timeout_seconds is not None:
        for function in topology["functions"].values():
            function["timeout_seconds"] = timeout_seconds
        topology["limits"]["lease_margin_seconds"] = 1
    for function in topology["functions"].values():
        if attempts is not None and function.get("attempts", attempts) is not None:
            function["attempts"] = attempts
    # JSON is YAML, too.
    (root / "infra" / "topology.yaml").write_text(json.dumps(topology, indent=2), encoding="utf-8")
    return root


def copy_harbour(root: Path) -> Path:
    """The harbour beside these tests, with this runtime and the real function for dead letters."""
    shutil.copytree(_HERE / "harbour", root, ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "infra" / "tidegate", root / "infra" / "tidegate", ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "functions" / "dead_letters", root / "functions" / "dead_letters", ignore=_UNWANTED)
    return root


def copy_fleet(root: Path) -> Path:
    """The fleet beside these tests, with this runtime, the real gateway and the real system functions of jobs."""
    shutil.copytree(_HERE / "fleet", root, ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "infra" / "tidegate", root / "infra" / "tidegate", ignore=_UNWANTED)
    shutil.copyfile(_REPOSITORY / "infra" / "contracts" / "jobs.py", root / "infra" / "contracts" / "jobs.py")
    for function in ("gateway", "advance_jobs", "dead_letters"):
        shutil.copytree(_REPOSITORY / "functions" / function, root / "functions" / function, ignore=_UNWANTED)
    return root


def copy_canal(root: Path) -> Path:
    """The canal beside these tests, with this runtime, the real gateway and the real function for dead letters."""
    shutil.copytree(_HERE / "canal", root, ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "infra" / "tidegate", root / "infra" / "tidegate", ignore=_UNWANTED)
    for function in ("gateway", "dead_letters"):
        shutil.copytree(_REPOSITORY / "functions" / function, root / "functions" / function, ignore=_UNWANTED)
    return root
