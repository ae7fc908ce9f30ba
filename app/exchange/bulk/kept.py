"""The records of an export in the export store: kept by the worker as they are chosen, used when a file is fetched.

What is kept is the stored content of a version, which never changes. Whether a line may leave, and under which label,
is judged by the database when it does, and it is entered on the ledger then (decision 33): the store opens nothing.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.caller import Caller
from app.db import exports
from app.db.engine import Database
from app.db.exports import Block as Block
from app.db.rows import Stored
from app.exchange.release import PendingResult
from app.exchange.service import AccessService
from app.objects import Objects, StoreFails
from app.resources.refs import as_uuid
from app.session import Session

BLOCK_LINES = 500
BLOCK_BYTES = 512_000
"""Of records in one object, and one record more at the most."""
LEVEL = 1
_HEAD = struct.Struct(">16sII")
log = logging.getLogger("hallpass")
Bodies = Mapping[tuple[UUID, int], bytes]
"""Contents by id and version."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The records of some lines of a series, up to the last of these lines."""

    last: int
    bodies: Bodies


class Keeper:
    """Keeps the records of an export's lines, block by block, as the client that asked for it."""

    def __init__(self, objects: Objects, service: AccessService, caller: Caller, id: UUID) -> None:
        self._objects, self._service, self._caller, self._id = objects, service, caller, id

    async def step(self) -> bool:
        """Keep the next block. Whether there was one, and the store took it: what it has not is read from the records.

        The object is there before the block is named: who is killed between the two writes it again.
        """
        found: list[tuple[Block, list[Stored]]] = []

        async def read(session: Session) -> list[PendingResult]:
            found[:] = await exports.unkept(session.connection, self._id, BLOCK_LINES, BLOCK_BYTES)
            return []

        await self._service.perform(self._caller, "export", read)
        if not found:
            return False
        block, rows = found[0]
        try:
            await self._objects.put(_name(self._id, block), _packed(rows))
        except StoreFails as e:
            log.warning("the export store does not take what is exported, and it is read from the records: %s", e)
            return False

        async def note(session: Session) -> list[PendingResult]:
            await exports.note_block(session.connection, self._id, block)
            return []

        await self._service.perform(self._caller, "export", note)
        return True


async def fetch(objects: Objects, id: UUID, block: Block) -> Kept | None:
    """A block from the store; None where it has it no more."""
    content = await objects.get(_name(id, block))
    return None if content is None else Kept(block.last, dict(_unpacked(zlib.decompress(content))))


async def remove_over(objects: Objects, db: Database, before: datetime) -> None:
    """Remove what the store holds of exports that ended before a moment, were canceled, or are not known. Raises
    StoreFails."""
    there = {id: name for name in await objects.folders() if (id := as_uuid(name)) is not None}
    async with db.begin() as connection:
        over = await exports.over(connection, list(there), before)
    for id in over:
        await objects.remove(there[id])


def _name(id: UUID, block: Block) -> str:
    return f"{id}/{block.series or 'patients'}-{block.after}-{block.last}"


def _packed(rows: Iterable[Stored]) -> bytes:
    parts = (_HEAD.pack(row.id.bytes, row.version, len(row.body)) + row.body for row in rows)
    return zlib.compress(b"".join(parts), LEVEL)


def _unpacked(content: bytes) -> Iterator[tuple[tuple[UUID, int], bytes]]:
    at = 0
    while at < len(content):
        id, version, size = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        yield (UUID(bytes=id), version), content[at : at + size]
        at += size
