"""The rest-hook channel: one POST to the subscriber's endpoint, signed, bounded in time, and never redirected.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook and RFC 7515 appendix F for the signature.
"""

from __future__ import annotations

import asyncio
import time

import httpx

from app.auth.addresses import Refused, Resolve, check_url, port_of, reachable, resolve_host
from app.auth.jose import Jwk, sign_detached
from app.subscriptions.definition import Definition

SIGNATURE = "X-JWS-Signature"


class NotTaken(Exception):
    """The endpoint did not take the notification. Its message is for $status, and quotes nothing of what it said."""


class RestHook:
    """Posts notifications. `allow_http` lets loopback addresses through; `resolve` answers a host's addresses."""

    def __init__(self, *, allow_http: bool, resolve: Resolve = resolve_host) -> None:
        self._allow_http = allow_http
        self._resolve = resolve
        self._tls = httpx.create_ssl_context()

    async def send(self, definition: Definition, body: bytes, key: Jwk) -> None:
        """Post a Bundle. Raises NotTaken for anything but a 2xx in time."""
        try:
            async with asyncio.timeout(definition.timeout):
                status = await self._post(definition, body, key)
        except TimeoutError:
            raise NotTaken("The endpoint did not answer in time.") from None
        except Refused:
            raise NotTaken("The endpoint's host has no public address, or its URL is not one to call.") from None
        except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise NotTaken("The endpoint could not be reached.") from None
        if not 200 <= status < 300:
            raise NotTaken(f"The endpoint answered with status {status}.")

    async def _post(self, definition: Definition, body: bytes, key: Jwk) -> int:
        url = check_url(definition.endpoint, allow_http=self._allow_http)
        addresses = await self._resolve(url.host, port_of(url))
        if not addresses or not all(reachable(a, allow_loopback=self._allow_http) for a in addresses):
            raise Refused("not a public address")
        headers = [
            *definition.headers,
            ("Host", url.netloc.decode()),
            ("Content-Type", definition.payload),
            (SIGNATURE, sign_detached(body, key, {"iat": str(int(time.time())), "url": definition.endpoint})),
        ]
        # To the address that was checked: the name could lead elsewhere by now. One client for one request, since a
        # pool would give a host the connection of another host with the same address.
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=definition.timeout) as http:
            request = http.build_request(
                "POST",
                url.copy_with(host=addresses[0]),
                headers=headers,
                content=body,
                extensions={"sni_hostname": url.raw_host.decode()},
            )
            response = await http.send(request, stream=True, follow_redirects=False)
            await response.aclose()  # what it says is not read
            return response.status_code
