"""Where callbacks may go: to the public internet over https, never to anything inside.

Whoever submits a job chooses its callback URL, so the URL is hostile until shown otherwise
(server-side request forgery). Everything here is pure: the name is resolved elsewhere, once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]+\]|[^\[\]:]+)(?::(?P<port>[0-9]{1,5}))?")
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
"""A full domain name in ASCII. Its last label starts with a letter, as no spelling of an IPv4 address does."""

_INSIDE = ("internal", "local", "localhost", "home.arpa")
"""Domains that never name a public server; ``metadata.google.internal`` is in the first."""

_GLOBAL_IPV6 = ip_network("2000::/3")
"""The only part of IPv6 from which global unicast is assigned. Outside of it lie loopback, link-local, unique
local, multicast, and the forms that hide an IPv4 address: mapped, compatible, and NAT64's."""

# Sources: the IANA special-purpose address registries for IPv4 and IPv6; RFC 7526 for 192.88.99.0/24.
_REFUSED = {
    ip_network(network): kind
    for network, kind in {
        "0.0.0.0/8": "this host",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-grade NAT",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link-local, where metadata servers are",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "AS112",
        "192.52.193.0/24": "AMT",
        "192.88.99.0/24": "6to4 relay",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "AS112",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved, broadcast included",
        "2001::/23": "protocol assignments, Teredo included",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "AS112",
        "3fff::/20": "documentation",
    }.items()
}


class Forbidden(Exception):
    """Nothing may ever be sent there; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A callback URL taken apart. The request is made of these parts, so that no second parser reads the URL.

    Attributes:
        host: in lower case; an IPv6 address without its brackets.
        path: what goes into the request line, query included.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 and self.scheme == "https" else f"{host}:{self.port}"


def parse(url: str, *, loopback: bool) -> Target:
    """Take a callback URL apart.

    Args:
        loopback: also allow ``localhost``, and http, which `admit` then allows for loopback addresses alone.

    Raises:
        Forbidden: it is malformed, or the URL itself already breaks a rule.
    """
    if not _VISIBLE.fullmatch(url):
        raise Forbidden("the callback URL may hold visible ASCII characters only: percent-encode the others")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Forbidden(f"the callback URL cannot be read: {error}") from None
    if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
        raise Forbidden("the callback URL must begin with https://")
    if "@" in parts.netloc:
        raise Forbidden("the callback URL may not hold a user name or password")
    authority = _AUTHORITY.fullmatch(parts.netloc.lower())
    if authority is None:
        raise Forbidden("the callback URL needs a host, and after it a port at most")
    port = int(authority["port"] or (443 if parts.scheme == "https" else 80))
    if port != 443 and not 1024 <= port <= 65535:
        raise Forbidden(f"port {port} is not allowed: use 443, or one from 1024 on")
    path = parts.path or "/"
    host = _host(authority["host"], loopback=loopback)
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def admit(target: Target, resolved: Sequence[str], *, loopback: bool) -> tuple[str, ...]:
    """The addresses that ``target`` may be reached at: all that its name resolved to.

    Raises:
        Forbidden: one of them is not public. A single one is enough: an honest receiver has none.
    """
    addresses = [ip_address(each) for each in resolved]
    for address in addresses:
        if loopback and address.is_loopback:
            continue
        kind = refusal(address)
        if kind:
            raise Forbidden(f"{target.host} has an address that is not public ({kind})")
        if target.scheme != "https":
            raise Forbidden(f"{target.host} is not on this machine: the callback URL must begin with https://")
    return tuple(map(str, addresses))


def refusal(address: IPv4Address | IPv6Address) -> str:
    """Why nothing may be sent to ``address``; empty if it is global unicast."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "bound to one network interface"
        if address not in _GLOBAL_IPV6:
            return "outside of 2000::/3"
    return next((f"{network}: {kind}" for network, kind in _REFUSED.items() if address in network), "")


def _host(text: str, *, loopback: bool) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    try:
        return str(IPv4Address(text))
    except ValueError:
        pass
    if loopback and text == "localhost":
        return text
    if not _DOMAIN.fullmatch(text):
        raise Forbidden(
            "the callback URL's host is neither a full domain name, without a dot at its end, nor an IP address"
        )
    if any(f".{text}".endswith(f".{domain}") for domain in _INSIDE):
        raise Forbidden(f"{text} is no public name")
    return text


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise Forbidden("the callback URL's host is no IPv6 address") from None
    if address.scope_id is not None:
        raise Forbidden("the callback URL's address may not name a network interface")
    return str(address)
