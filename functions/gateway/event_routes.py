"""``/v1/events``: where events are handed in."""

from batches import ACCEPTED, Batch, Batches, lines
from bodies import NDJSON, media_type, read
from callers import Callers
from catalogue import Catalogue, check
from options import Options
from reception import Reception, Submission, location, receipt
from representations import answer
from starlette.requests import Request
from starlette.responses import Response
from streams import Stream

from tidegate.sites import Site


class EventRoutes:
    """Checks what is handed in, accepts it, and says under which address it is followed."""

    def __init__(
        self, site: Site, callers: Callers, catalogue: Catalogue, reception: Reception, batches: Batches
    ) -> None:
        self._classes = site.config.classes.ranked
        self._emulated = bool(site.settings.firestore_emulator_host)
        self._callers = callers
        self._catalogue = catalogue
        self._reception = reception
        self._batches = batches

    async def submit(self, request: Request) -> Response:
        """``POST /v1/events/{topic}``: one event, or a batch of them."""
        principal = await self._callers.principal(request)
        contract = self._catalogue.contract(request.path_params["topic"], request.query_params.get("version"))
        options = Options.read(request.headers, emulated=self._emulated, classes=self._classes)
        kind = media_type(request)
        body = await read(request)
        if kind == NDJSON:
            batch = Batch(contract, principal, options, lines(body))
            return Stream(self._batches.accept(batch), NDJSON)
        check(contract, body)
        job = await self._reception.accept(Submission(contract, body, principal, options))
        return answer(receipt(job), ACCEPTED, {"Location": location(job)})
