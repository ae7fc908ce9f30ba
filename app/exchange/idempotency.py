"""A request that may be sent again: what it did is done once, and what it answers is judged each time.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ — a key is the client's own, and no other
client learns of it. Nothing of an answer is kept but which versions were written: their content is read again, under
the releases, the custody and the token of that moment. An error is not kept either, since nothing was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.db import idempotency as keys
from app.db import read as store
from app.db.idempotency import Written
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange.release import PendingResult, PendingRow
from app.exchange.service import UnitOfWork
from app.session import Session

KEY_BYTES, OUTCOME_BYTES = 250, 70
"""What a key takes in the database, with its index, and each outcome that is kept with it: of the client's day."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """The digests of a key and of what is asked by it."""

    key: bytes
    request: bytes


def once(keyed: Keyed | None, scopes: Sequence[tuple[str, str]], work: UnitOfWork) -> UnitOfWork:
    """`work`, or where its key did it before, what it came to, for who has these scopes still.

    Raises CONFLICT while another request with the key is under way, UNPROCESSABLE where the key was used for
    something else, and NOT_FOUND where what was written is no longer the caller's to see.
    """
    if keyed is None:
        return work

    async def unit_of_work(session: Session) -> list[PendingResult]:
        before = await keys.begin(session.connection, keyed.key)
        if before.busy:
            text = "A request with this Idempotency-Key is being answered. Wait for its answer, or send it again then."
            raise HallpassError(Kind.CONFLICT, text, headers={"Retry-After": "1"})
        if before.request is None:
            found = await work(session)
            written = [_written(f) for f in found]
            if session.stored is not None:
                session.stored.count(session.caller.client, KEY_BYTES + OUTCOME_BYTES * len(written))
            hours = session.settings.idempotency_hours
            await keys.keep(session.connection, keyed.key, keyed.request, written, hours)
            return found
        if before.request != keyed.request:
            text = "This Idempotency-Key was used with another request. Give each request a key of its own."
            raise HallpassError(Kind.UNPROCESSABLE, Issue(text, code="business-rule"))
        for type_name, letter in scopes:
            session.require(type_name, letter)
        return [await _again(session, written) for written in before.written]

    return unit_of_work


def _written(found: PendingResult) -> Written:
    if found.absent:
        return Written()
    row = found.pending[0].row
    return Written(row.type, row.id, row.version, found.created, found.unchanged)


async def _again(session: Session, written: Written) -> PendingResult:
    if written.id is None:
        return PendingResult(absent=True)
    row = await store.version(session.connection, written.type, written.id, written.version)
    if row is None:
        raise not_found()
    return PendingResult((PendingRow(row),), created=written.created, unchanged=written.unchanged)
