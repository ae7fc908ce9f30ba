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

from app.api import http
from app.api.bulk_lines import DELETED, Lines, ndjson
from app.api.context import Context, RequestContext
from app.errors import HallpassError, Kind, not_found
from app.exchange.bulk import choosing, export
from app.exchange.bulk.asked import Asked
from app.exchange.bulk.export import File, Release, Standing
from app.exchange.bulk.kept import Block
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.fhir.outcome import outcome, warning

ERRORS, PATIENTS, RELEASES, AFTER = "errors", "patients", "releases", "_after"


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
        given = http.parameters(request, AFTER)
        if name == f"{ERRORS}.ndjson":
            return ndjson(request, _errors(await _standing(context, id)))
        if name == f"{RELEASES}.ndjson":
            return ndjson(request, _releases(context, await _standing(context, id)))
        asked, part, blocks = await _file(context, id, name, given.get(AFTER))
        lines = Lines(context, UUID(id), asked, part, blocks)
        first = await lines.next()  # what is wrong with the request shows before anything has left
        return ndjson(request, lines.all(first))


async def _standing(context: RequestContext, id: str) -> Standing:
    found: list[Standing] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found[:] = [await export.standing(session, id)]
        return [PendingResult()]

    await context.one("export", unit_of_work)
    return found[0]


async def _file(context: RequestContext, id: str, name: str, after: str | None) -> tuple[Asked, File, list[Block]]:
    stem, _, number = name.removesuffix(".ndjson").rpartition("-")
    if not name.endswith(".ndjson") or not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise not_found()
    found: list[tuple[Asked, File, list[Block]]] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        asked, part = await export.file(session, id, "" if stem == PATIENTS else stem, int(number))
        part = part if after is None else await export.behind(session, id, part, after)
        blocks = await export.blocks(session, id, part) if context.objects is not None else []
        found[:] = [(asked, part, blocks)]
        return [PendingResult()]

    await context.one("export", unit_of_work)
    return found[0]


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
    if found.releases:
        cited = [{"reference": _cited(release)} for release in found.releases]
        content["extension"] = {"releases": {"first": cited, "url": f"{base}/{RELEASES}.ndjson"}}
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


async def _releases(context: RequestContext, found: Standing) -> AsyncIterator[bytes]:
    """Every Consent that opens a line now: one Parameters of each."""
    page = found.releases
    while page:
        for release in page:
            reference = {"name": "release", "valueReference": {"reference": _cited(release)}}
            yield dump({"resourceType": "Parameters", "parameter": [reference]}) + b"\n"
        page = await _next_releases(context, found.export.id, page[-1][0]) if len(page) == export.CITED else ()


async def _next_releases(context: RequestContext, id: UUID, after: UUID) -> tuple[Release, ...]:
    found: list[Release] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found[:] = await export.releases(session, id, after)
        return [PendingResult()]

    await context.one("export", unit_of_work)
    return tuple(found)


def _cited(release: Release) -> str:
    return f"Consent/{release[0]}/_history/{release[1]}"


def _progress(found: Standing) -> str:
    if found.export.status == "accepted":
        return "waiting for a worker"
    return f"{found.export.done} of {found.export.students} students"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
