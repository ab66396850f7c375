"""The front door: accepts work over HTTP and tells what became of it."""

from application import application
from starlette.types import ASGIApp

from tidegate import http_function
from tidegate.sites import Site


@http_function
def gateway(site: Site) -> ASGIApp:
    """The HTTP interface, as docs/http-api.md describes it."""
    return application(site)
