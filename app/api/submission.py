"""A bulk submission after its first request: how it stands, uploads to it, and what became of each line.

https://build.fhir.org/ig/HL7/bulk-data/ ($bulk-submit-status of the 4.0.0 ballot)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api import http
from app.api.bulk_lines import NDJSON, ndjson
from app.api.context import Context, RequestContext
from app.api.operations.bulk_submit import writable
from app.errors import HallpassError, Kind, not_found
from app.exchange.bulk import submission
from app.exchange.bulk.submission import Line, Standing, SubmittedFile
from app.exchange.service import PendingResult, Session
from app.fhir.dates import instant
from app.fhir.json import dump
from app.fhir.outcome import outcome, success

MANIFEST = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkSubmitStatusManifest"
SOURCE = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/operationoutcome-sourceResource"
TAG = "Bulk submission"
ENDING = ".ndjson"


def add(router: APIRouter) -> None:
    """The routes of GET /submission/{id}, and of POST and GET /submission/{id}/{name}."""

    @router.get("/submission/{id}", operation_id="submissionStatus", summary="How a submission stands", tags=[TAG])
    async def status(request: Request, id: str, context: Context) -> Response:
        http.parameters(request)
        found = await _standing(context, id)
        if found.over:
            content = dump(_manifest(found, context))
            return Response(content, 200, {"Cache-Control": "no-store"}, "application/json")
        headers = {"X-Progress": _progress(found), "Retry-After": str(submission.RETRY_SECONDS)}
        return Response(None, 202, headers)

    @router.post(
        "/submission/{id}/{name}", operation_id="uploadFile", summary="Upload a file of a submission", tags=[TAG]
    )
    async def upload(request: Request, id: str, name: str, context: Context) -> Response:
        http.parameters(request)
        await context.require(writable(context), "cu")
        await _standing(context, id)
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != NDJSON:
            raise HallpassError(Kind.UNSUPPORTED, f"A file is sent with Content-Type: {NDJSON}.")
        content = await http.raw_body(request, context.settings.max_body_bytes)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            await submission.upload(session, id, name.removesuffix(ENDING), content)
            return [PendingResult()]

        await context.one("submission", unit_of_work)
        return http.respond(request, dump(success("The file is taken in.")))

    @router.get(
        "/submission/{id}/{name}", operation_id="submissionOutcome", summary="What became of each line", tags=[TAG]
    )
    async def outcomes(request: Request, id: str, name: str, context: Context) -> Response:
        http.parameters(request)
        number = name.removesuffix(ENDING)
        found = await _standing(context, id)
        file = next((f for f in found.files if str(f.n) == number and name.endswith(ENDING)), None)
        if file is None:
            raise not_found()
        return ndjson(request, _lines(context, found.submission.id, file))


async def _standing(context: RequestContext, id: str) -> Standing:
    found: list[Standing] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found[:] = [await submission.standing(session, id)]
        return [PendingResult()]

    await context.one("submission", unit_of_work)
    return found[0]


async def _lines(context: RequestContext, id: UUID, file: SubmittedFile) -> AsyncIterator[bytes]:
    """An OperationOutcome for each line, and one for what is wrong with the file as a whole."""
    after = 0
    while True:
        page: list[Line] = []

        async def unit_of_work(session: Session, after: int = after, page: list[Line] = page) -> list[PendingResult]:
            page[:] = await submission.outcomes(session, id, file.n, after)
            return [PendingResult()]

        await context.one("submission", unit_of_work)
        if not page:
            break
        after = page[-1].line
        yield b"".join(dump(_outcome(line)) + b"\n" for line in page)
    if file.problem:
        yield dump(outcome(HallpassError(Kind.UNPROCESSABLE, file.problem))) + b"\n"


def _outcome(line: Line) -> dict[str, Any]:
    found = success(f"{line.result.capitalize()}: {line.resource}")
    if line.issues is not None:
        found["issue"] = line.issues
    for issue in found["issue"]:
        issue["diagnostics"] = f"line {line.line}"
    return {**found, **({"extension": [_source(line.source)]} if line.source else {})}


def _source(named: str) -> dict[str, Any]:
    return {"url": SOURCE, "valueReference": {"reference": named}}


def _manifest(found: Standing, context: RequestContext) -> dict[str, Any]:
    base = f"{context.base}/submission/{found.submission.id}"
    listed = [f for f in found.files if f.kind == "lines" or f.problem]
    return {
        "submissionId": found.submission.name,
        "manifestType": MANIFEST,
        "transactionTime": instant(found.submission.created),
        "requiresAccessToken": True,
        "outcome": [_part(f, base, found.counts.get(f.n, (0, 0))) for f in listed],
    }


def _part(file: SubmittedFile, base: str, counts: tuple[int, int]) -> dict[str, Any]:
    well, ill = counts[0], counts[1] + (1 if file.problem else 0)
    counted = [{"code": "information", "count": well}, {"code": "error", "count": ill}]
    found: dict[str, Any] = {"url": f"{base}/{file.n}{ENDING}", "countSeverity": counted}
    return {**found, "manifestUrl": file.manifest} if file.manifest else found


def _progress(found: Standing) -> str:
    well = sum(w + i for w, i in found.counts.values())
    if found.submission.status == "in-progress":
        return f"in progress, {well} lines taken"
    waiting = sum(f.status in ("waiting", "taking") for f in found.files)
    return f"{well} lines taken, {waiting} files to go"
