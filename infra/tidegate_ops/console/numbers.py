"""The numbers of a local stack, for programs: for Prometheus, and for other commands."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidegate.breakers import Phase
from tidegate_ops.console.exposition import MEDIA_TYPE
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.insight.stack_traffic import TRAFFIC, TRAFFIC_PATH

METRICS_PATH = "/metrics"


def number_routes(metrics: StackMetrics, breakers: Callable[[], Awaitable[Mapping[str, Phase]]]) -> list[Route]:
    """Where they are told; ``breakers`` reads what is known of the dependencies."""

    async def show_metrics(request: Request) -> Response:
        return Response(metrics.page(await breakers()), media_type=MEDIA_TYPE)

    async def show_traffic(request: Request) -> Response:
        return Response(TRAFFIC.dump_json(await metrics.look()), media_type="application/json")

    return [Route(METRICS_PATH, show_metrics), Route(TRAFFIC_PATH, show_traffic)]
