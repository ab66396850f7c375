"""``/v1/events``: where events are handed in."""

from allowances import Allowances
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
        self, site: Site, callers: Callers, catalogue: Catalogue, allowances: Allowances, reception: Reception
    ) -> None:
        self._emulated = bool(site.settings.firestore_emulator_host)
        self._callers = callers
        self._catalogue = catalogue
        self._allowances = allowances
        self._reception = reception
        self._batches = Batches(reception, allowances)

    async def submit(self, request: Request) -> Response:
        """``POST /v1/events/{topic}``: one event, or a batch of them."""
        principal = await self._callers.principal(request)
        contract = self._catalogue.contract(request.path_params["topic"], request.query_params.get("version"))
        options = Options.read(request.headers, emulated=self._emulated)
        client = self._callers.client(request, principal)
        if media_type(request) == NDJSON:
            self._allowances.check(client)  # before the body is read; its lines are counted one by one
            batch = Batch(contract, principal, client, options, lines(await read(request)))
            return Stream(self._batches.accept(batch), NDJSON)
        self._allowances.take(client)
        body = await read(request)
        check(contract, body)
        job = await self._reception.accept(Submission(contract, body, principal, options))
        return answer(receipt(job), ACCEPTED, {"Location": location(job)})
