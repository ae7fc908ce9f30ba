"""Lets a pull reach the hosts that the operator allows, and no address within the operator's own network.
https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx

from app.auth.addresses import port_of, reachable
from app.errors import HallpassError, Kind
from app.intake.pull.provider import TIMEOUT_SECONDS, shown
from app.settings import Settings

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver. Raises OSError where there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def require_allowed(url: str, settings: Settings) -> None:
    """Raises HallpassError where the operator does not allow the host."""
    host = (urlsplit(url).hostname or "").lower()
    if host not in {h.lower() for h in settings.sync_hosts}:
        text = f"The host of {shown(url)} is not in HALLPASS_SYNC_HOSTS. The operator lists there which may be asked."
        raise HallpassError(Kind.FORBIDDEN, text)


class Guarded(httpx.BaseTransport):
    """Asks only allowed hosts, at the address that was judged, so that no second look-up can lead elsewhere."""

    def __init__(
        self, settings: Settings, inner: httpx.BaseTransport | None = None, look_up: Resolve = resolve
    ) -> None:
        self._settings = settings
        self._inner = inner or httpx.HTTPTransport()
        self._look_up = look_up

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises HallpassError where it may not be sent, httpx.RequestError where it cannot."""
        url = request.url
        require_allowed(str(url), self._settings)
        try:
            addresses = self._look_up(url.host, port_of(url))
        except OSError as e:
            raise httpx.ConnectError("the host has no address", request=request) from e
        if not self._settings.sync_private and not all(reachable(a, allow_loopback=False) for a in addresses):
            text = f"{shown(str(url))} leads to a private address. HALLPASS_SYNC_PRIVATE allows those."
            raise HallpassError(Kind.FORBIDDEN, text)
        extensions = {**request.extensions, "sni_hostname": url.host}
        placed = httpx.Request(
            request.method,
            url.copy_with(host=addresses[0]),
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )
        return self._inner.handle_request(placed)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def guarded(settings: Settings) -> Callable[[], httpx.Client]:
    """What makes the client of a pull."""
    return lambda: httpx.Client(transport=Guarded(settings), timeout=TIMEOUT_SECONDS, trust_env=False)
