"""Takes Subscriptions one by one: asks what each is to be told, sends it, and keeps what came of it.

What is told is judged, numbered and on the ledger before it is sent; it counts as sent when the endpoint took it. So
each event is sent at least once, in order. A Subscription waits for its own endpoint and for no other's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from app.auth.keys import Keys
from app.caller import Caller
from app.db import subscriptions
from app.db.engine import Database
from app.db.subscriptions import Claimed
from app.errors import HallpassError, Kind
from app.exchange import following
from app.exchange.following import Told
from app.exchange.service import AccessService, PendingResult, Released, Session
from app.keyring import Keyring
from app.notify.bundle import notification
from app.notify.mail import Mail
from app.notify.rest_hook import NotTaken, RestHook
from app.scopes import EMERGENCY, grant, parse_scope
from app.settings import Settings

AT_ONCE = 50
LEASE = timedelta(seconds=150)
"""Longer than the longest time-out of an endpoint, with what comes before and after."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
GIVES_UP = timedelta(hours=1)
"""For how long an endpoint may fail before the Subscription is in error."""
Ask = Callable[[Session], Awaitable[tuple[Told | None, PendingResult]]]
log = logging.getLogger("hallpass")


class Deliverer:
    """The notifications that one worker sends at a time."""

    def __init__(self, db: Database, settings: Settings, access_service: AccessService) -> None:
        self._db = db
        self._settings = settings
        self._access_service = access_service
        self._keys = Keys(db, time.time, Keyring.of(settings), token_seconds=settings.token_seconds)
        self._rest_hook = RestHook(allow_http=settings.allow_http_endpoints)
        smtp = settings.smtp_url
        self._mail = Mail(smtp.get_secret_value() if smtp else None, settings.mail_from)
        self._running: set[asyncio.Task[None]] = set()

    async def step(self) -> bool:
        """Begin with what is due, as far as there is room; answers whether there may be more."""
        room = AT_ONCE - len(self._running)
        if not room:
            return False
        claimed = await subscriptions.claim(self._db, room, LEASE)
        for one in claimed:
            task = asyncio.create_task(self._tell(one))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(claimed) == room

    async def end(self) -> None:
        """Wait for what is being sent."""
        if self._running:
            await asyncio.wait(self._running)

    async def _tell(self, one: Claimed) -> None:
        sent, error, wait, refused = None, None, 0.0, False
        told: Told | None = None
        caller = _caller(one)
        try:
            told = await self._due(caller, one)
            if told is not None:
                sent = await self._send(caller, told)
        except NotTaken as e:
            error, refused = str(e), True
        except HallpassError as e:
            error = (
                "The exchange cannot serve the subscription now." if e.kind is Kind.UNAVAILABLE else e.issues[0].text
            )
        except Exception as e:
            log.error("a notification failed: %s", type(e).__name__)
            error = "The exchange could not make the notification."
        if error is not None:
            failures = told.state.failures if told else 5
            wait = min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE)
        try:
            failing = await subscriptions.finish(self._db, one.id, sent, error, timedelta(seconds=wait))
            if error is not None and told is not None and refused and (told.kind == "handshake" or failing > GIVES_UP):
                await self._set_status(caller, told, "error", error)
        except Exception as e:  # the lease runs out, and another goes on from there
            log.error("what became of a notification could not be kept: %s", type(e).__name__)

    async def _due(self, caller: Caller, one: Claimed) -> Told | None:
        async def ask(session: Session) -> tuple[Told | None, PendingResult]:
            return await following.due(session, one.id)

        return (await self._judge(caller, ask))[0]

    async def _judge(self, caller: Caller, ask: Ask) -> tuple[Told | None, tuple[Released, ...]]:
        """What is told, with the records that leave: on the ledger, in the caller's own transaction."""
        kept: list[Told | None] = []

        async def unit_of_work(session: Session) -> list[PendingResult]:
            told, pending = await ask(session)
            kept[:] = [told]
            return [pending]

        (result,) = await self._access_service.perform(caller, "notification", unit_of_work)
        return kept[0], result.released

    async def _send(self, caller: Caller, told: Told) -> int | None:
        """Send it; answers the number of the last event that was taken. Raises NotTaken.

        The connection comes first, then the judgment, then the bytes: a release that ends meanwhile ends this too.
        """
        if told.kind == "end":
            await self._set_status(caller, told, "off", None)
            return None
        base = self._settings.fhir_base
        key = await self._keys.current()

        async def ask(session: Session) -> tuple[Told | None, PendingResult]:
            return await following.judged(session, told)

        if told.definition.channel == "email":
            async with self._mail.open(told.definition) as post:
                last, _ = await self._judge(caller, ask)
                await post.send(last or told, base)
        else:
            async with self._rest_hook.open(told.definition) as line:
                last, released = await self._judge(caller, ask)
                await line.send(notification(last or told, released, base), key)
        if told.kind == "handshake":
            await self._set_status(caller, told, "active", None)
        return told.events[-1].number if told.events else told.state.sent

    async def _set_status(self, caller: Caller, told: Told, status: str, error: str | None) -> None:
        async def unit_of_work(session: Session) -> list[PendingResult]:
            return await following.set_status(session, told.state.id, status, error)

        await self._access_service.perform(caller, "update", unit_of_work)


def _caller(one: Claimed) -> Caller:
    """The client of a Subscription, with what it had when it subscribed and has still."""
    held = frozenset(parse_scope(s) for s in one.held)
    scopes = grant(" ".join(one.scopes), held).scopes - {EMERGENCY}
    return Caller(one.client, one.organization, scopes, frozenset(one.purposes), "")
