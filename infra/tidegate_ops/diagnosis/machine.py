"""Whether a machine can run, test and deploy the project."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

from tidegate.errors import TidegateError
from tidegate_ops.cloud_sdk import find_java, find_missing
from tidegate_ops.diagnosis.findings import Finding, fine, note, problem
from tidegate_ops.processes import answers
from tidegate_ops.project import Project
from tidegate_ops.requirements import pins
from tidegate_ops.stack_state import StackState
from tidegate_ops.tcp_ports import free_ports

OLDEST_PYTHON = (3, 11)
_OLDEST_JAVA = 11
_ASK_SECONDS = 20
_ANSWER_SECONDS = 5


def diagnose_machine(project: Project) -> Iterator[Finding]:
    """All that is looked at on this machine; nothing is changed."""
    yield _python()
    yield from _packages(project)
    yield from _emulators()
    yield _terraform(project)
    yield _ports()
    yield from _stack(project)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return problem("Python", found, f"install Python {oldest} or newer, and set up again: make clean setup")
    return fine("Python", found)


def _packages(project: Project) -> Iterator[Finding]:
    """Whether what runs here is what is deployed."""
    file = project.infra / "tidegate" / "requirements.txt"
    try:
        wanted = list(pins(file))
    except TidegateError as error:
        yield problem("packages", str(error), f"correct {file.relative_to(project.root)}")
        return
    others = [
        f"{pin.name} {found} instead of {pin.version}"
        for pin in wanted
        if (found := _installed(pin.name)) != pin.version
    ]
    if others:
        yield problem("packages", "; ".join(others), "pip install -r requirements.txt, or: make setup")
    else:
        yield fine("packages", f"the {len(wanted)} that every function is deployed with are installed as pinned")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _emulators() -> Iterator[Finding]:
    missing = find_missing()
    for each in missing:
        yield problem(each.what, "not installed; without it `tidegate up` cannot start", each.how)
    if missing:
        return
    java = find_java()
    found = _version([java or "java", "-version"], r'version "(\d+)')
    if found and int(found) < _OLDEST_JAVA:
        yield problem("Java", found, f"install Java {_OLDEST_JAVA} or newer, or name it with JAVA_HOME")
    else:
        yield fine("emulators", f"installed, with Java {found or 'of a version that it does not tell'}")


def _terraform(project: Project) -> Finding:
    if not (project.root / "terraform").is_dir():
        return fine("terraform", "not used by this project")
    if shutil.which("terraform") is None:
        return note("terraform", "not installed; only deploying takes it", "https://developer.hashicorp.com/terraform")
    found = _version(["terraform", "version"], r"v(\d+\.\d+\.\d+)")
    needed = _needed_terraform(project)
    if found and needed and tuple(map(int, found.split(".")))[:2] < needed:
        return problem("terraform", found, f"install {'.'.join(map(str, needed))} or newer")
    return fine("terraform", found or "of a version that it does not tell")


def _needed_terraform(project: Project) -> tuple[int, int] | None:
    try:
        text = (project.root / "terraform" / "versions.tf").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'required_version\s*=\s*">=\s*(\d+)\.(\d+)', text)
    return (int(found[1]), int(found[2])) if found else None


def _version(command: list[str], pattern: str) -> str:
    """What a program says of its version; empty where it says nothing that is understood."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_ASK_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else ""


def _ports(free: Callable[[int], list[int]] = free_ports) -> Finding:
    try:
        free(1)
    except OSError as error:
        return problem("ports", f"no port of 127.0.0.1 can be opened: {error}", "let programs listen on the loopback")
    return fine("ports", "those of the loopback can be opened; each is chosen when it is needed")


def _stack(project: Project) -> Iterator[Finding]:
    state = StackState.read(project)
    if state is None:
        yield fine("local stack", "none is running")
    elif not state.alive:
        yield note("local stack", "was killed; its files are left", "the next `tidegate up` removes them")
    elif not state.ready:
        yield note("local stack", "is still starting", "wait until `tidegate up` says that it is ready")
    else:
        hosts = {"Pub/Sub emulator": state.pubsub_host, "Firestore emulator": state.firestore_host}
        silent = [
            f"the {name} at {host}"
            for name, host in hosts.items()
            if not answers(host, timeout_seconds=_ANSWER_SECONDS)
        ]
        if silent:
            said = f"{' and '.join(silent)} {'does' if len(silent) == 1 else 'do'} not answer"
            yield problem("local stack", said, "stop `tidegate up` with Ctrl-C, and start it again")
        else:
            yield fine("local stack", f"runs with {len(state.functions)} functions")
