"""From which address a request comes: the connection's, or what a trusted proxy says. Pure.

https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

NOBODY = "-"
"""Who asks without an address, as over a Unix socket."""
_SITE = 64
"""The part of an IPv6 address that one site has to itself: it has all addresses below it."""


class Addresses:
    """Reads addresses; `trusted` are the networks of the proxies that are believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(n) for n in trusted]

    def of(self, scope: Scope) -> str:
        """The address, IPv6 as its site's network. A header counts only if a trusted proxy has sent it."""
        found = str((scope.get("client") or (NOBODY, 0))[0])
        for hop in reversed(_forwarded(scope["headers"])):
            if not self._believed(found):
                break
            found = hop
        try:
            address = ip_address(found)
        except ValueError:
            return NOBODY if found == NOBODY else "?"
        if isinstance(address, IPv6Address):
            return str(address.ipv4_mapped or IPv6Network((address, _SITE), strict=False))
        return str(address)

    def _believed(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    listed = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
    return [part.strip() for part in listed.split(",") if part.strip()]
