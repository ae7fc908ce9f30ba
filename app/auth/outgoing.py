"""Asks a server that somebody else named, at a public address, and reads no more of the answer than fits.

https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache

import httpx

from app.auth.addresses import Refused, Resolve, port_of, reachable, resolve_host

SECONDS = 5.0
"""For each step of a request. Callers bound the whole."""


class Outgoing:
    """`allow_loopback` is for tests and trials; `resolve` answers a host's addresses; `tls` says whom to trust."""

    def __init__(
        self, *, allow_loopback: bool, resolve: Resolve = resolve_host, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allow_loopback = allow_loopback
        self._resolve = resolve
        self._tls = tls or _authorities()

    async def ask(
        self,
        method: str,
        url: httpx.URL,
        most: int,
        *,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> tuple[httpx.Response, bytes]:
        """The answer and its body, from the first of the host's addresses that takes the connection; no redirect.

        Raises Refused for an address that is not public and for more than `most` bytes, OSError and HTTPError.
        """
        addresses = await self._resolve(url.host, port_of(url))
        if not addresses or not all(reachable(a, allow_loopback=self._allow_loopback) for a in addresses):
            raise Refused("the host has an address that is not public")
        for address in addresses[:-1]:
            try:
                return await self._ask_at(address, method, url, most, headers, fields)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._ask_at(addresses[-1], method, url, most, headers, fields)

    async def _ask_at(
        self,
        address: str,
        method: str,
        url: httpx.URL,
        most: int,
        headers: Mapping[str, str] | None,
        fields: Mapping[str, str] | None,
    ) -> tuple[httpx.Response, bytes]:
        """Connect to the address that was checked, not to the name, which could lead elsewhere by now.

        One client for one request: a pool would give a host the connection, and the certificate, of another host
        with the same address. No proxy from the environment: it would resolve the name again.
        """
        own = {"Host": url.netloc.decode(), "Accept": "application/json", "Accept-Encoding": "identity"}
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, timeout=SECONDS
        ) as http:
            request = http.build_request(
                method,
                url.copy_with(host=address),
                headers={**(headers or {}), **own},
                data=fields,
                extensions={"sni_hostname": url.raw_host.decode()},
            )
            response = await http.send(request, stream=True)
            try:
                return response, await _bounded(response, most)
            finally:
                await response.aclose()


@cache
def _authorities() -> ssl.SSLContext:
    """The public ones; it takes a while to read them."""
    return httpx.create_ssl_context()


async def _bounded(response: httpx.Response, most: int) -> bytes:
    """The body as it came, never decompressed. Raises Refused."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            raise Refused("the answer is too large")
    return bytes(body)
