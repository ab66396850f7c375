"""The console as an ASGI application."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidegate.breakers import Phase
from tidegate_ops.console.exposition import MEDIA_TYPE
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.insight.stack_traffic import TRAFFIC, TRAFFIC_PATH

METRICS_PATH = "/metrics"

# A page of elsewhere that has its own name resolve to this machine is not answered.
_HOSTS = ("127.0.0.1", "localhost")


def application(metrics: StackMetrics, breakers: Callable[[], Awaitable[Mapping[str, Phase]]]) -> Starlette:
    """Shows a stack; ``breakers`` reads what is known of its dependencies."""

    async def show_metrics(request: Request) -> Response:
        return Response(metrics.page(await breakers()), media_type=MEDIA_TYPE)

    async def show_traffic(request: Request) -> Response:
        return Response(TRAFFIC.dump_json(await metrics.look()), media_type="application/json")

    return Starlette(
        routes=[Route(METRICS_PATH, show_metrics), Route(TRAFFIC_PATH, show_traffic)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)],
    )
