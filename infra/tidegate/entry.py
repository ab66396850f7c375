"""The decorator that makes a handler a deployed function."""

import functools
import gc
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast, overload

import functions_framework.aio
from pydantic_core import to_json
from starlette.responses import Response

from tidegate import logs
from tidegate.config_file import missing_config, read_config
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler
from tidegate.log_settings import LogSettings
from tidegate.service import Service, check, google_ports
from tidegate.settings import Settings
from tidegate.stopping import not_while_idle, on_sigterm

if TYPE_CHECKING:
    from starlette.requests import Request


_COLLECTED_AFTER = 10_000  # objects; Python's own is some hundreds


class EntryPoint(Protocol):
    """What `function` makes: an HTTP function that knows its handler."""

    handler: Handler
    __name__: str

    def __call__(self, request: "Request") -> Awaitable[Response]: ...


@overload
def function(call: Callable[..., Any], /) -> EntryPoint: ...
@overload
def function(*, pure: bool = False) -> Callable[[Callable[..., Any]], EntryPoint]: ...
def function(
    call: Callable[..., Any] | None = None, /, *, pure: bool = False
) -> EntryPoint | Callable[[Callable[..., Any]], EntryPoint]:
    """Make a handler a Pub/Sub-triggered function.

    Its limits come from ``topology.yaml``: a deployed bundle holds its slice as ``tidegate.json``,
    which is read and checked when the module is imported.

    Args:
        pure: the handler has no effect but the events it returns. No claim is written before it
            runs, and the first delivery to commit wins.
    """
    if call is None:
        return lambda handler: _entry_point(Handler.inspect(handler, pure=pure))
    return _entry_point(Handler.inspect(call, pure=pure))


def _entry_point(handler: Handler) -> EntryPoint:
    not_while_idle()
    config = read_config(handler.source, FunctionConfig)
    if config is not None:
        check(handler, config)
    service: Service | None = None

    @functions_framework.aio.http
    @functools.wraps(handler.call)
    async def entry(request: "Request") -> Response:
        nonlocal service
        if request.method == "GET":
            return _answer({"function": handler.name, "ready": config is not None})
        if service is None:
            if config is None:
                raise missing_config(handler.source)
            logs.configure(LogSettings.read())
            settings = Settings.read()
            service = Service(handler, config, google_ports(settings), settings.environment)
            on_sigterm(service.stop)
            _relieve_collector()
        answer = await service.receive(_headers(request), await request.body())
        return _answer(answer.body, answer.status)

    entry_point = cast(EntryPoint, entry)
    entry_point.handler = handler
    return entry_point


def _relieve_collector() -> None:
    """Let the garbage collector look at less, and less often.

    What is loaded by now lives as long as the process, and what a delivery makes goes when its last reference does:
    at Python's own pace a twentieth of a delivery's processor time is spent on finding nothing.
    """
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER)


def _answer(body: Mapping[str, object], status: int = 200) -> Response:
    return Response(to_json(body), status, media_type="application/json")


def _headers(request: "Request") -> dict[str, str]:
    """The headers by lower-case name, of several alike the first; read once each, which a mapping of them would not."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(request.headers.raw)}
