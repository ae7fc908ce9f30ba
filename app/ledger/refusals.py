"""Records in the security log what is refused: logins, tokens that are not valid, scopes that do not cover.

A refusal is answered whether or not it could be noted: the log says when it could not.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict

from sqlalchemy.exc import SQLAlchemyError

from app.db.engine import Database
from app.errors import HallpassError
from app.ledger import security_log
from app.ledger.security_log import KindOfEvent
from app.telemetry import measures

log = logging.getLogger("hallpass.audit")
APART = 1.0
"""Seconds in which alike refusals are noted once, so that to be refused in a loop costs no database."""
REMEMBERED = 10_000


class RefusalLog:
    """The trail as one process writes it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def login(self, client: str, what: str) -> None:
        """Note that a client was given a token. Raises UNAVAILABLE where that cannot be noted."""
        measures.SECURITY_EVENTS.labels("login", "given").inc()
        async with self._db.begin() as connection:
            await security_log.record(connection, "login", client, "0", what)

    async def refusal(self, kind: KindOfEvent, client: str, why: str) -> None:
        """Note a refusal; `client` is who it claims to be, and nothing is noted where there is no such client."""
        measures.SECURITY_EVENTS.labels(kind, "refused").inc()
        now = time.monotonic()
        if now - self._noted.get((kind, client, why), -APART) < APART:
            return
        self._noted[kind, client, why] = now
        self._noted.move_to_end((kind, client, why))
        if len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        try:
            async with self._db.begin() as connection:
                await security_log.record(connection, kind, client, "4", why)
        except (HallpassError, SQLAlchemyError) as e:
            log.error("a refusal was not noted: %s", type(e).__name__)
