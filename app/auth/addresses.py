"""Which URLs and addresses the server may call when a client chooses them.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html and RFC 6890 for the addresses.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import httpx

MAX_URL = 2048
_TRANSLATED = tuple(
    ipaddress.ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0/96")
)
"""IPv6 networks that lead to an IPv4 address of the sender's choice: NAT64, 6to4, Teredo, IPv4-mapped."""

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Refused(ValueError):
    """The URL or an address of its host is not one to call."""


def check_url(text: str, *, allow_http: bool) -> httpx.URL:
    """The URL, if it is an https one (or http with `allow_http`) of a host, without credentials or a fragment.

    Raises Refused. Says nothing of the host's addresses, which may be others by the time of the call.
    """
    try:
        url = httpx.URL(text) if len(text) <= MAX_URL else httpx.URL()
    except httpx.InvalidURL:
        raise Refused("not a URL") from None
    schemes = ("https", "http") if allow_http else ("https",)
    if url.scheme not in schemes or not url.host or url.userinfo or url.fragment or not 0 < port_of(url) < 65536:
        raise Refused("not an https URL without credentials and fragment")
    return url


def port_of(url: httpx.URL) -> int:
    """The port that the URL means."""
    return (443 if url.scheme == "https" else 80) if url.port is None else url.port


def reachable(address: str, *, allow_loopback: bool) -> bool:
    """Whether an address is of the public internet (or, with `allow_loopback`, of this machine)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if allow_loopback and ip.is_loopback:
        return True
    return (
        ip.is_global
        and not (ip.is_multicast or ip.is_reserved or ip.is_link_local or ip.is_unspecified)
        and not (isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or any(ip in n for n in _TRANSLATED)))
    )


async def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver. Raises OSError when there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))
