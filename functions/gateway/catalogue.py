"""The contracts of the topics that are accepted, and how data is held against them."""

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Any

from problems import Kind, Problem
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

import contracts
from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError

MAX_ERRORS = 100
"""How many errors one problem lists."""


def shipped_contracts() -> list[type[Contract]]:
    """Every contract that the `contracts` package defines."""
    names = [each.name for each in pkgutil.walk_packages(contracts.__path__, f"{contracts.__name__}.")]
    return [
        each
        for name in names
        for each in vars(importlib.import_module(name)).values()
        if isinstance(each, type) and issubclass(each, Contract) and each.event_type and each.__module__ == name
    ]


class Catalogue:
    """The accepted topics and the versions of their contracts."""

    def __init__(self, accepts: Iterable[str], known: Iterable[type[Contract]]) -> None:
        """Raises ConfigurationError where an accepted topic has no contract."""
        newest_first = sorted(known, key=lambda each: each.event_version, reverse=True)
        self._versions = {topic: [each for each in newest_first if each.event_type == topic] for topic in accepts}
        bare = sorted(topic for topic, found in self._versions.items() if not found)
        if bare:
            raise ConfigurationError(f"{', '.join(bare)} is accepted, but no contract is of this type: add one")

    @property
    def topics(self) -> tuple[str, ...]:
        """The accepted topics, in the topology's order."""
        return tuple(self._versions)

    def versions(self, topic: str) -> Sequence[type[Contract]]:
        """The contracts of an accepted topic, newest first."""
        return self._versions[topic]

    def contract(self, topic: str, version: str | None) -> type[Contract]:
        """The contract of a topic; the newest where no version is named.

        Raises:
            Problem: the topic is not accepted, or has no such version.
        """
        if topic not in self._versions:
            accepted = ", ".join(self.topics) or "none"
            raise Problem(
                Kind.UNKNOWN_TOPIC, f"{topic!r} is not among the accepted topics: {accepted}", accepted=self.topics
            )
        found = {str(each.event_version): each for each in reversed(self._versions[topic])}
        if version is None:
            return self._versions[topic][0]
        if version not in found:
            raise Problem(
                Kind.UNKNOWN_VERSION,
                f"{topic} has no version {version!r}, it has {', '.join(found)}",
                versions=[int(each) for each in found],
            )
        return found[version]


def check(contract: type[Contract], data: bytes) -> None:
    """Hold an event's data against its contract, as every consumer will.

    Raises:
        Problem: it is not JSON, or does not fit; with a pointer (RFC 6901) to each place where it does not.
    """
    try:
        # Python's readers take NaN and Infinity, which are no JSON; others would stumble over them later.
        value = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise Problem(Kind.MALFORMED_BODY, f"the data is not JSON: {error}") from None
    try:
        contract.model_validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise Problem(
            Kind.INVALID_DATA,
            f"the data does not fit {contract.label()} in {error.error_count()} place(s)",
            errors=[{"pointer": _pointer(value, each), "detail": each["msg"]} for each in faults[:MAX_ERRORS]],
        ) from None
    except Exception as error:
        # A validator of the model's own that stumbles here would do so in every consumer.
        detail = f"a validator of {contract.label()} failed: {type(error).__name__}: {error}"
        raise Problem(Kind.INVALID_DATA, detail, errors=[{"pointer": "", "detail": detail}]) from error


def _pointer(value: Any, fault: ErrorDetails) -> str:
    """Where in the data the fault is; pydantic's location also names branches of unions, which are no places."""
    pointer, location = "", fault["loc"]
    for number, part in enumerate(location, start=1):
        if _holds(value, part):
            value = value[part]
        elif fault["type"] != "missing" or number < len(location):
            continue
        pointer += "/" + str(part).replace("~", "~0").replace("/", "~1")
    return pointer


def _holds(value: Any, part: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value
