"""The lines of a bulk export's file: each is judged, and on the ledger, before it leaves, and leaves as soon as it is.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#file-request
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api.context import RequestContext
from app.exchange.bulk import export, kept
from app.exchange.bulk.asked import Asked
from app.exchange.bulk.export import File
from app.exchange.bulk.kept import Block, Kept
from app.exchange.service import PendingResult, Result, Session
from app.fhir.json import dump
from app.search.subset import subset

NDJSON = "application/fhir+ndjson"
DELETED = "deleted"
FIRST_LINES = 50
"""Asked for at first; then as many as have been found to fill a page."""
LEVEL = 5


class Lines:
    """The lines of a file, some at a time."""

    def __init__(
        self, context: RequestContext, id: UUID, asked: Asked, part: File, blocks: Sequence[Block] = ()
    ) -> None:
        self._context, self._id, self._asked, self._part = context, id, asked, part
        self._blocks = list(reversed(blocks))
        self._kept: Kept | None = None
        self._after = part.after
        self._student = ""
        self._most = FIRST_LINES

    async def all(self, first: bytes) -> AsyncIterator[bytes]:
        """All lines, of which the first are there already."""
        yield first
        while self._after < self._part.last:
            yield await self.next()

    async def next(self) -> bytes:
        """The next lines; empty where nothing of them is visible any more."""
        reached = self._after
        lines: list[bytes] = []
        held = await self._held()

        async def unit_of_work(session: Session) -> list[PendingResult]:
            nonlocal reached, lines
            if self._part.series == DELETED:
                gone = await export.deleted(session, self._id, self._part, self._after)
                reached = min(self._part.last, self._after + export.PAGE_LINES)
                lines = [dump(_deletion(kind, id)) for kind, id in gone]
                return [PendingResult()]
            found, reached = await export.page(session, self._id, self._part, self._after, self._most, held)
            return [found]

        answer = await self._context.one("export", unit_of_work)
        self._after = reached
        lines = lines or [line for released in self._cut(answer) for line in released]
        page = b"".join(line + b"\n" for line in lines)
        if lines:
            self._most = min(export.PAGE_LINES, max(1, export.PAGE_BYTES * len(lines) // len(page)))
        return page

    async def _held(self) -> Kept | None:
        """What the export store has of the next lines. It is fetched before a connection is taken."""
        if self._kept is None or self._kept.last <= self._after:
            while self._blocks and self._blocks[-1].last <= self._after:
                self._blocks.pop()
            due = self._blocks.pop() if self._blocks and self._blocks[-1].after <= self._after else None
            objects = self._context.objects
            self._kept = None if due is None or objects is None else await kept.fetch(objects, self._id, due)
        return self._kept

    def _cut(self, answer: Result) -> list[list[bytes]]:
        found = []
        for released in answer.released:
            part = subset(None, self._asked.of_type(released.type)) if self._asked.elements else None
            body = part.cut(released.type, released.body) if part else released.body
            header = self._header(released.student) if self._part.series == "" else []
            found.append([*header, body])
        return found

    def _header(self, student: UUID | None) -> list[bytes]:
        """The line before a student's block, where a new one begins."""
        if str(student) == self._student:
            return []
        self._student = str(student)
        return [
            dump(
                {
                    "resourceType": "Parameters",
                    "parameter": [{"name": "header", "valueReference": {"reference": f"Patient/{student}"}}],
                }
            )
        ]


def ndjson(request: Request, lines: AsyncIterator[bytes]) -> Response:
    """Lines as they come, packed for who takes gzip."""
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        lines, headers["Content-Encoding"] = _packed(lines), "gzip"
    return StreamingResponse(lines, 200, headers, NDJSON)


async def _packed(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """One gzip stream, handed over page by page: what was judged never waits in it for the page after."""
    stream = zlib.compressobj(LEVEL, wbits=16 + zlib.MAX_WBITS)
    async for page in lines:
        yield stream.compress(page) + stream.flush(zlib.Z_SYNC_FLUSH)
    yield stream.flush()


def _deletion(kind: str, id: UUID) -> dict[str, Any]:
    request = {"method": "DELETE", "url": f"{kind}/{id}"}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}
