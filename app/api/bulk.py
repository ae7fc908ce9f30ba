"""A bulk export after its kick-off: how it stands, its files, its end.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.api import http
from app.api.context import Context, RequestContext
from app.errors import HallpassError, Kind, not_found
from app.exchange.bulk import choosing, export
from app.exchange.bulk.asked import Asked
from app.exchange.bulk.export import File, Standing
from app.exchange.service import PendingResult, Result, Session
from app.fhir.json import dump
from app.fhir.outcome import outcome, warning
from app.search.subset import subset

NDJSON = "application/fhir+ndjson"
DELETED, ERRORS, PATIENTS = "deleted", "errors", "patients"


def add(router: APIRouter) -> None:
    """The routes of GET and DELETE /export/{id} and GET /export/{id}/{name}."""

    @router.get("/export/{id}", operation_id="exportStatus", summary="How an export stands", tags=["Bulk export"])
    async def status(request: Request, id: str, context: Context) -> Response:
        http.parameters(request)
        found = await _standing(context, id)
        match found.export.status:
            case "complete":
                return _manifest(found, context)
            case "failed":
                raise export.failed()
            case _:
                headers = {"X-Progress": _progress(found), "Retry-After": str(export.RETRY_SECONDS)}
                return Response(None, 202, headers)

    @router.delete(
        "/export/{id}", operation_id="cancelExport", summary="Cancel an export", status_code=202, tags=["Bulk export"]
    )
    async def cancel(request: Request, id: str, context: Context) -> Response:
        http.parameters(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            await export.cancel(session, id)
            return [PendingResult()]

        await context.one("export", unit_of_work)
        return Response(None, 202)

    @router.get("/export/{id}/{name}", operation_id="exportFile", summary="A file of an export", tags=["Bulk export"])
    async def file(request: Request, id: str, name: str, context: Context) -> Response:
        http.parameters(request)
        if name == f"{ERRORS}.ndjson":
            return _ndjson(_errors(await _standing(context, id)))
        asked, part = await _file(context, id, name)
        lines = _Lines(context, UUID(id), asked, part)
        first = await lines.next()  # what is wrong with the request shows before anything has left
        return _ndjson(lines.all(first))


async def _standing(context: RequestContext, id: str) -> Standing:
    found: list[Standing] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found[:] = [await export.standing(session, id)]
        return [PendingResult()]

    await context.one("export", unit_of_work)
    return found[0]


async def _file(context: RequestContext, id: str, name: str) -> tuple[Asked, File]:
    stem, _, number = name.removesuffix(".ndjson").rpartition("-")
    if not name.endswith(".ndjson") or not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise not_found()
    found: list[tuple[Asked, File]] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found[:] = [await export.file(session, id, "" if stem == PATIENTS else stem, int(number))]
        return [PendingResult()]

    await context.one("export", unit_of_work)
    return found[0]


class _Lines:
    """The lines of a file, some at a time: each is judged, and on the ledger, before it leaves."""

    def __init__(self, context: RequestContext, id: UUID, asked: Asked, part: File) -> None:
        self._context, self._id, self._asked, self._part = context, id, asked, part
        self._after = part.after
        self._student = ""

    async def all(self, first: bytes) -> AsyncIterator[bytes]:
        """All lines, of which the first are there already."""
        yield first
        while self._after < self._part.last:
            yield await self.next()

    async def next(self) -> bytes:
        """The next lines; empty where nothing of them is visible any more."""
        reached = self._after
        lines: list[bytes] = []

        async def unit_of_work(session: Session) -> list[PendingResult]:
            nonlocal reached, lines
            if self._part.series == DELETED:
                gone = await export.deleted(session, self._id, self._part, self._after)
                reached = min(self._part.last, self._after + export.PAGE_LINES)
                lines = [dump(_deletion(kind, id)) for kind, id in gone]
                return [PendingResult()]
            found, reached = await export.page(session, self._id, self._part, self._after)
            return [found]

        answer = await self._context.one("export", unit_of_work)
        self._after = reached
        lines = lines or [line for released in self._cut(answer) for line in released]
        return b"".join(line + b"\n" for line in lines)

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


def _manifest(found: Standing, context: RequestContext) -> Response:
    """The answer to who asks for a complete export. There is no count: a line may still be withheld."""
    base = f"{context.base}/export/{found.export.id}"
    output = [_output(f, base, found.asked) for f in found.files if f.series != DELETED]
    content: dict[str, Any] = {
        "transactionTime": _instant(choosing.transaction_time(found.export)),
        "request": found.export.request,
        "requiresAccessToken": True,
        "output": output,
        "error": [{"type": "OperationOutcome", "url": f"{base}/{ERRORS}.ndjson"}] if _problems(found) else [],
    }
    if found.asked.since is not None:
        content["deleted"] = [
            {"type": "Bundle", "url": f"{base}/{DELETED}-{f.number}.ndjson"} for f in found.files if f.series == DELETED
        ]
    if found.asked.by_patient:
        content["outputOrganizedBy"] = "Patient"
    assert found.export.ended is not None
    expires = found.export.ended + timedelta(hours=context.settings.export_hours)
    headers = {"Cache-Control": "no-store", "Expires": format_datetime(expires, usegmt=True)}
    return Response(dump(content), 200, headers, "application/json")


def _output(file: File, base: str, asked: Asked) -> dict[str, Any]:
    name = f"{file.series or PATIENTS}-{file.number}.ndjson"
    found: dict[str, Any] = {"url": f"{base}/{name}"}
    if file.series:
        found = {"type": file.series, **found}
    if file.continues:
        found["continuesInFile"] = f"{base}/{PATIENTS}-{file.number + 1}.ndjson"
    return found


def _problems(found: Standing) -> list[bytes]:
    ignored = [dump(warning(f"Not understood, and left out as asked: {name}")) for name in found.asked.ignored]
    unseen = [
        dump(outcome(HallpassError(Kind.NOT_FOUND, f"{reference} is not a Patient that this client can see.")))
        for reference in found.export.unseen
    ]
    return [*ignored, *unseen]


async def _errors(found: Standing) -> AsyncIterator[bytes]:
    for line in _problems(found):
        yield line + b"\n"


def _deletion(kind: str, id: UUID) -> dict[str, Any]:
    request = {"method": "DELETE", "url": f"{kind}/{id}"}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}


def _progress(found: Standing) -> str:
    if found.export.status == "accepted":
        return "waiting for a worker"
    return f"{found.export.done} of {found.export.students} students"


def _ndjson(lines: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(lines, 200, {"Cache-Control": "no-store"}, NDJSON)


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
