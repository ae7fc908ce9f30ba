"""The limits of one process, put together once for an app.

A limit counts against a client only after its token's signature was verified; before that, against an address. What is
for the whole server is divided by its processes (docs/decisions/0024-limits-by-process.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.limits.addresses import Addresses
from app.limits.rates import Rates
from app.limits.shares import Shares, too_many
from app.settings import Settings

BURST_SECONDS = 10
"""A client that asked nothing for so long may ask at once what it may ask in that time."""
WAIT_SECONDS = 5.0
"""How long a request waits for others of its client."""
SEND_SECONDS = 30.0
"""How long one part of an answer may wait for its client to read."""
_HELD = "hallpass.limits.client"


@dataclass(frozen=True, slots=True)
class Own:
    """The limits of one client; None: as the settings say."""

    rate: int | None = None
    running: int | None = None
    logins: int | None = None


class Limits:
    """What clients and addresses have left."""

    def __init__(self, settings: Settings, pool_size: int) -> None:
        self.addresses = Addresses(settings.trusted_proxies)
        running = min(settings.client_running, settings.client_requests)
        self._requests = Shares(running, settings.client_requests - running, WAIT_SECONDS)
        # One connection is always somebody else's, where there is more than one.
        most = max(1, min(settings.client_connections, pool_size - 1))
        self.connections = Shares(most, settings.client_requests, WAIT_SECONDS)
        self._clients = _rates(settings, settings.client_rate)
        self._logins = _rates(settings, settings.login_rate)
        self._strangers = _rates(settings, settings.address_rate)
        self._processes = settings.workers

    def set_own(self, limits: Mapping[str, Own]) -> None:
        """Use these limits for clients that have their own, and the settings for all others."""
        self._clients.own = {c: o.rate / self._processes for c, o in limits.items() if o.rate}
        self._logins.own = {c: o.logins / self._processes for c, o in limits.items() if o.logins}
        self._requests.own = {c: o.running for c, o in limits.items() if o.running}

    async def enter(self, scope: Scope, client: str) -> None:
        """Count a request against its client, which has proved itself, and wait for its turn. Raises TOO_MANY.

        An entry of a Bundle that goes the way of a request is counted, and has its Bundle's turn.
        """
        self.count(client)
        state: dict[str, Any] = scope.setdefault("state", {})
        if _HELD not in state:
            await self._requests.acquire(client)
            state[_HELD] = client

    def count(self, client: str) -> None:
        """Count a request against its client. Raises TOO_MANY."""
        if wait := self._clients.take(client):
            raise too_many("This client asks too often. Slow down.", wait)

    def leave(self, scope: Scope) -> None:
        """The request has been answered."""
        if client := scope.get("state", {}).pop(_HELD, None):
            self._requests.release(client)

    def stranger(self, scope: Scope) -> None:
        """Count a request that has proved nothing yet against its address. Raises TOO_MANY."""
        if wait := self._strangers.take(self.addresses.of(scope)):
            raise too_many("Too many requests without a valid token come from this address. Slow down.", wait)

    def no_stranger(self, scope: Scope) -> None:
        """The request has proved itself after all: it does not count against its address."""
        self._strangers.give_back(self.addresses.of(scope))

    def login(self, client: str) -> None:
        """Count a token given to a client, which has proved itself. Raises TOO_MANY."""
        if wait := self._logins.take(client):
            raise too_many("This client asks for tokens too often. Use each until it expires.", wait)


class Leaving:
    """Gives the share of a request back when it has been answered, or has gone wrong."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})  # so that all below write into the same

        async def in_time(message: Message) -> None:
            """Who does not read what it asked for is waited for no longer."""
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        try:
            await self._app(scope, receive, in_time if scope["type"] == "http" else send)
        finally:
            self._limits.leave(scope)


def _rates(settings: Settings, rate: int) -> Rates:
    own = rate / settings.workers
    return Rates(own, own * BURST_SECONDS)
