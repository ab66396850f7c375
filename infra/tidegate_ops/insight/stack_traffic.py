"""The traffic of a local stack, asked of the process that runs it."""

import httpx
from pydantic import TypeAdapter, ValidationError

from tidegate_ops.insight.traffic import Traffic, TrafficUnknown

TRAFFIC_PATH = "/traffic.json"
"""Where a stack's console tells it."""

TRAFFIC = TypeAdapter(Traffic)
_CALL_SECONDS = 5


class StackTraffic:
    """Implements `TrafficSource` by the console at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + TRAFFIC_PATH

    async def look(self) -> Traffic:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_CALL_SECONDS) as client:
                answer = await client.get(self._url)
            return TRAFFIC.validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, ValidationError) as error:
            raise TrafficUnknown(
                f"the local stack does not tell its traffic: {error or type(error).__name__}"
            ) from error
