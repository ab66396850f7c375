"""Handlers: a plain function, and what its annotations say about it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

from tidegate.contracts import Contract
from tidegate.dead_letters import DeadLetter
from tidegate.emissions import contracts_in
from tidegate.sites import Site

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Payload: TypeAlias = Contract | DeadLetter


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler as its definition describes it.

    Attributes:
        name: the function's name; its folder and its entry in the topology bear the same.
        call: the handler itself, undecorated.
        contract: what its first parameter is annotated with.
        emits: the contracts in its return annotation.
        pure: it has no effect but what it returns.
    """

    name: str
    call: Callable[..., Any]
    contract: type[Payload]
    emits: tuple[type[Contract], ...]
    pure: bool

    @classmethod
    def inspect(cls, call: Callable[..., Any], *, pure: bool) -> "Handler":
        """Read a handler's definition.

        Raises:
            TypeError: its signature is not ``(event: Contract, ctx: Context) -> events``.
        """
        if not inspect.isfunction(call):
            raise TypeError(f"@function decorates plain functions; {call!r} is a {type(call).__name__}")
        name = call.__name__
        parameters = list(inspect.signature(call).parameters)
        hints = get_type_hints(call)
        contract = hints.get(parameters[0]) if len(parameters) == 2 else None
        if not (isinstance(contract, type) and issubclass(contract, Contract | DeadLetter)):
            raise TypeError(
                f"{name}: write `def {name}(event: SomeContract, ctx: Context) -> ...`; "
                "the first parameter's annotation is the contract that is consumed"
            )
        if "return" not in hints:
            raise TypeError(f"{name}: annotate what it returns: the events it emits, or None")
        return cls(name, call, contract, tuple(dict.fromkeys(contracts_in(hints["return"]))), pure)

    @property
    def source(self) -> Path:
        """The file that defines it."""
        return Path(inspect.getfile(self.call))


@dataclass(frozen=True, slots=True)
class HttpHandler:
    """An HTTP function as its definition describes it.

    Attributes:
        name: the function's name; its folder and its entry in the topology bear the same.
        call: makes its ASGI application; undecorated.
    """

    name: str
    call: "Callable[[Site], ASGIApp]"

    @classmethod
    def inspect(cls, call: Callable[..., Any]) -> "HttpHandler":
        """Read an HTTP function's definition.

        Raises:
            TypeError: its signature is not ``(site: Site) -> ASGIApp``.
        """
        if not inspect.isfunction(call) or inspect.iscoroutinefunction(call):
            raise TypeError(f"@http_function decorates plain functions with `def`; {call!r} is none")
        name = call.__name__
        parameters = list(inspect.signature(call).parameters)
        try:
            hints = get_type_hints(call)
        except NameError as error:
            raise TypeError(f"{name}: its annotations name what is not imported when it runs: {error}") from None
        taken = [hints.get(each) for each in parameters]
        if taken != [Site] or hints.get("return", type(None)) is type(None):
            raise TypeError(
                f"{name}: write `def {name}(site: Site) -> ASGIApp`, with Site from tidegate.sites and ASGIApp from "
                "starlette.types; it returns an ASGI application, such as a Starlette"
            )
        return cls(name, call)

    @property
    def source(self) -> Path:
        """The file that defines it."""
        return Path(inspect.getfile(self.call))
