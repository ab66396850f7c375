"""``/v1/events``: where events are handed in."""

from contextlib import AsyncExitStack

from allowances import Allowances
from batches import ACCEPTED, Batch, Batches, lines
from bodies import NDJSON, Bodies, media_type
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
        self._classes = site.config.classes.ranked
        self._emulated = bool(site.settings.firestore_emulator_host)
        self._callers = callers
        self._catalogue = catalogue
        self._allowances = allowances
        self._reception = reception
        self._bodies = Bodies()
        self._batches = Batches(reception, allowances)

    async def submit(self, request: Request) -> Response:
        """``POST /v1/events/{topic}``: one event, or a batch of them."""
        principal = await self._callers.principal(request)
        contract = self._catalogue.contract(request.path_params["topic"], request.query_params.get("version"))
        options = Options.read(request.headers, emulated=self._emulated, classes=self._classes)
        client = self._callers.client(request, principal)
        many = media_type(request) == NDJSON
        # Before the body is read; of a batch, each line counts when its turn comes.
        (self._allowances.check if many else self._allowances.take)(client)
        async with AsyncExitStack() as held:
            body = await held.enter_async_context(self._bodies.read(request))
            if many:
                batch = Batch(contract, principal, client, options, lines(body))
                return Stream(self._batches.accept(batch), NDJSON, held=held.pop_all())
            check(contract, body)
            job = await self._reception.accept(Submission(contract, body, principal, options))
            return answer(receipt(job), ACCEPTED, {"Location": location(job)})
