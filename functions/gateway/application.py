"""The gateway as an ASGI application: which path leads where, and how errors are told."""

from allowances import Allowances
from callers import Callers
from catalogue import Catalogue, shipped_contracts
from description import describe
from event_routes import EventRoutes
from job_routes import JobRoutes
from problems import HANDLERS
from reception import Reception
from representations import answer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from watches import Watches

from tidegate.sites import Site


def application(site: Site) -> Starlette:
    """Make the gateway of a site.

    Raises:
        ConfigurationError: a topic that it is to accept has no contract.
    """
    catalogue = Catalogue(site.config.accepts, shipped_contracts())
    callers = Callers(site)
    events = EventRoutes(site, callers, catalogue, Allowances(site.config), Reception(site))
    jobs = JobRoutes(site, callers, Watches(site.ports.jobs, site.ports.jitter))
    description = describe(site.config, catalogue)
    links = {
        "function": site.config.function,
        "links": {
            "description": "/openapi.json",
            "events": [f"/v1/events/{topic}" for topic in site.config.accepts],
        },
    }

    async def home(request: Request) -> Response:
        return answer(links)

    async def openapi(request: Request) -> Response:
        return answer(description)

    made = Starlette(
        routes=[
            Route("/", home),
            Route("/openapi.json", openapi),
            Route("/v1/events/{topic}", events.submit, methods=["POST"]),
            Route("/v1/jobs/{job}", jobs.show),
            Route("/v1/jobs/{job}", jobs.cancel, methods=["DELETE"]),
            Route("/v1/jobs/{job}/events", jobs.stream),
        ],
        exception_handlers=HANDLERS,
    )
    made.router.redirect_slashes = False  # one address for each thing; any other is a 404
    return made
