"""Requirement files: the runtime's pins and a function's own, merged into one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tidegate.errors import ConfigurationError
from tidegate_ops.yaml_source import label_of

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[(?P<extras>[A-Za-z0-9._, -]+)\])?==(?P<version>[\w.!+-]+)")


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned package and the line that pins it."""

    name: str
    extras: frozenset[str]
    version: str
    where: str

    def __str__(self) -> str:
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"{self.name}{extras}=={self.version}"


def merge_requirements(files: Iterable[Path]) -> str:
    """One requirements file out of several: sorted, each package once, extras united.

    Raises:
        ConfigurationError: a file is missing, a line is no pin, or two lines pin different versions.
    """
    merged: dict[str, Pin] = {}
    for pin in (pin for file in files for pin in pins(file)):
        other = merged.get(pin.name)
        if other is not None and other.version != pin.version:
            raise ConfigurationError(
                f"{pin.where}: {pin.name}=={pin.version} conflicts with {other.name}=={other.version} "
                f"in {other.where}: write the same version in both"
            )
        extras = pin.extras | other.extras if other else pin.extras
        merged[pin.name] = Pin(pin.name, extras, pin.version, pin.where)
    return "".join(f"{merged[name]}\n" for name in sorted(merged))


def pins(file: Path) -> list[Pin]:
    """What a file pins, line by line.

    Raises:
        ConfigurationError: it is missing, or a line is no pin.
    """
    label = label_of(file)
    if not file.is_file():
        raise ConfigurationError(f"{label} is missing: create it, empty where nothing is needed")
    found: list[Pin] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _PIN.fullmatch(text)
        if match is None:
            raise ConfigurationError(
                f"{label}:{number}: {text!r} is no pin: write name==version, such as httpx==0.28.1"
            )
        extras = frozenset(each.strip() for each in (match["extras"] or "").split(",") if each.strip())
        # Package names that differ in case, dots and dashes alone are one package.
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        found.append(Pin(name, extras, match["version"], f"{label}:{number}"))
    return found
