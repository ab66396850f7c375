"""Callers: who sends a request, by the site's way of asking."""

import base64
import json
from ipaddress import IPv6Address, IPv6Network, ip_address

from keys import ApiKeys
from problems import Kind, Problem
from starlette.requests import Request

from tidegate.function_config import Access
from tidegate.sites import Site

_SCHEME = "bearer "
_CHECKED_FIRST = "x-serverless-authorization"


class Callers:
    """Names the principal behind a request; empty where nobody asks for one."""

    def __init__(self, site: Site) -> None:
        self._access = site.config.access
        self._emulated = bool(site.settings.firestore_emulator_host)
        self._keys = ApiKeys(site.ports.firestore, site.ports.clock)

    async def principal(self, request: Request) -> str:
        """Who calls.

        Raises:
            Problem: nobody that may.
            StoreUnavailable: no answer from where the keys are.
        """
        if self._emulated and _from_this_machine(request):
            return ""
        match self._access:
            case Access.PUBLIC:
                return ""
            case Access.API_KEYS:
                return await self._holder(request)
            case Access.IAM if self._emulated:
                # Its token would go unchecked: there is no Cloud Run in front.
                raise Problem(Kind.FORBIDDEN, "on the emulators only this machine may call")
            case Access.IAM:
                return _member(request)

    def client(self, request: Request, principal: str) -> str:
        """Whom a rate counts for: the principal, and where nobody asks for one the address that calls."""
        if principal:
            return principal
        # Cloud Run adds whom it was called by at the end; all before that is what the caller wrote.
        forwarded = "" if self._emulated else ",".join(request.headers.getlist("x-forwarded-for"))
        peer = request.client.host if request.client else ""
        return _network(forwarded.rpartition(",")[2].strip()) or _network(peer) or peer

    async def _holder(self, request: Request) -> str:
        key = request.headers.get("x-api-key") or _bearer(request, "authorization")
        if not key:
            raise _unauthenticated("send an API key, as `Authorization: Bearer KEY` or as `X-API-Key: KEY`")
        principal = await self._keys.principal(key)
        if not principal:
            raise _unauthenticated("the API key is unknown, disabled or expired", error="invalid_token")
        return principal


def _member(request: Request) -> str:
    """The principal of an ID token that Cloud Run has let in.

    Cloud Run has checked the token's signature, audience and expiry, has asked IAM, and has taken the
    signature out: there is nothing left to verify, and nobody reaches this code but through it. It
    checks ``X-Serverless-Authorization`` where that is sent, and leaves ``Authorization`` unchecked then.
    """
    token = _bearer(request, _CHECKED_FIRST if _CHECKED_FIRST in request.headers else "authorization")
    if not token:
        raise _unauthenticated("send an ID token, as `Authorization: Bearer TOKEN`")
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        principal = claims["email"] if claims.get("email_verified") else claims["sub"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        principal = None
    if not isinstance(principal, str) or not principal:
        raise _unauthenticated("the bearer token is no ID token that names who calls", error="invalid_token")
    return principal


def _bearer(request: Request, header: str) -> str:
    value = request.headers.get(header, "")
    return value[len(_SCHEME) :].strip() if value.lower().startswith(_SCHEME) else ""


def _network(address: str) -> str:
    """The address itself; of IPv6 the first half, within which a customer may choose. Empty for what is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and not found.ipv4_mapped:
        return str(IPv6Network((int(found), 64), strict=False))
    return str(found)


def _from_this_machine(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _unauthenticated(detail: str, *, error: str = "") -> Problem:
    challenge = 'Bearer realm="tidegate"' + (f', error="{error}"' if error else "")
    return Problem(Kind.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})
