"""The departure board in the browser: a page per airport and day that follows the flights as they are assessed."""

from departure_board.application import application
from starlette.types import ASGIApp

from tidegate import http_function
from tidegate.sites import Site


@http_function
def board(site: Site) -> ASGIApp:
    """Everything that the board serves; what it shows is filed by ``post_flight``."""
    return application(site)
