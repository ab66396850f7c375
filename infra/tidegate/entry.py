"""The decorator that makes a handler a deployed function."""

import functools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, overload

import functions_framework.aio
from pydantic import ValidationError
from starlette.responses import JSONResponse

from tidegate import logs
from tidegate.errors import ConfigurationError
from tidegate.handlers import Handler
from tidegate.service import Service, check, google_ports
from tidegate.settings import CONFIG_VARIABLE, Settings
from tidegate.topology import FunctionConfig

if TYPE_CHECKING:
    from starlette.requests import Request

CONFIG_FILE = "tidegate.json"


class EntryPoint(Protocol):
    """What `function` makes: an HTTP function that knows its handler."""

    handler: Handler
    __name__: str

    def __call__(self, request: "Request") -> Awaitable[JSONResponse]: ...


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
    config = _config(handler)
    service: Service | None = None

    @functions_framework.aio.http
    @functools.wraps(handler.call)
    async def entry(request: "Request") -> JSONResponse:
        nonlocal service
        if request.method == "GET":
            return JSONResponse({"function": handler.name, "ready": config is not None})
        if service is None:
            if config is None:
                raise ConfigurationError(
                    f"no configuration: put {CONFIG_FILE} beside {handler.source.name} (`tidegate bundle` does), "
                    f"or name it in {CONFIG_VARIABLE}"
                )
            logs.configure()
            settings = Settings.read()
            service = Service(handler, config, google_ports(settings), settings.environment)
        answer = await service.receive(dict(request.headers), await request.body())
        return JSONResponse(answer.body, answer.status)

    entry_point = cast(EntryPoint, entry)
    entry_point.handler = handler
    return entry_point


def _config(handler: Handler) -> FunctionConfig | None:
    """The slice of the topology that this process was given; None outside of a deployment.

    Raises:
        ConfigurationError: it cannot be read, is not for this handler, or has options that do not exist.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else handler.source.parent / CONFIG_FILE
    if not named and not path.exists():
        return None
    try:
        config = FunctionConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}, named in {CONFIG_VARIABLE}, cannot be read: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    check(handler, config)
    return config
