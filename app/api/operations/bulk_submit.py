"""$bulk-submit and $bulk-submit-status: a client sends in records by files, into its own custody.

https://build.fhir.org/ig/HL7/bulk-data/ (4.0.0 ballot)
"""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.capability.operation import SYSTEM, Body, Call, Operation
from app.errors import HallpassError, Issue, Kind
from app.exchange.bulk import submission
from app.exchange.bulk.submission import Sent, Status
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.fhir.outcome import success
from app.keyring import Keyring
from app.resources import REGISTRY, ResourceType
from app.submit.fetch import Fetcher, usable

SYSTEM_OF_STATUS = "http://hl7.org/fhir/event-status"
FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
UNSERVED = ("oauthMetadataUrl", "fileEncryptionKey", "metadata", "import")
KINDS = {
    "submitter": "valueIdentifier",
    "submissionId": "valueString",
    "submissionStatus": "valueCoding",
    "manifestUrl": "valueUrl",
    "fhirBaseUrl": "valueUrl",
    "replacesManifestUrl": "valueUrl",
    "outputFormat": "valueString",
    "fileRequestHeader": "part",
}
MOST_HEADERS = 10
LONGEST = 255
"""Of a submitter and of a submissionId: they are the key of a table."""
LONGEST_BASE = 1000
_CANONICAL = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
Given = dict[str, list[Any]]


async def submit(request: Request, context: RequestContext, _declared: ResourceType | None, _id: None) -> Response:
    """Take in what a client says of a submission; a worker fetches and takes its files."""
    given = await _given(request, context, tuple(KINDS))
    sent = _sent(given, context)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [PendingResult(document={"id": str(await submission.send(session, sent))})]

    answer = await context.one("submission", unit_of_work)
    assert answer.document is not None
    headers = {"Content-Location": f"{context.base}/submission/{answer.document['id']}"}
    return http.respond(request, dump(success("The submission is taken in.")), headers=headers)


async def status(request: Request, context: RequestContext, _declared: ResourceType | None, _id: None) -> Response:
    """Say where a submission's status is to be asked for."""
    given = await _given(request, context, ("submitter", "submissionId"))
    submitter, name = _identifier(given), _text(given, "submissionId")

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [PendingResult(document={"id": str(await submission.named(session, submitter, name))})]

    answer = await context.one("submission", unit_of_work)
    assert answer.document is not None
    return Response(None, 202, {"Content-Location": f"{context.base}/submission/{answer.document['id']}"})


async def _given(request: Request, context: RequestContext, names: tuple[str, ...]) -> Given:
    """The values of the parameters by name. Raises what is wrong with them."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, writable(context), "cu")
    parameters.check(content)
    found: Given = {}
    for n, one in enumerate(content.get("parameter", [])):
        name = one["name"]
        if name in UNSERVED:
            raise submission.bad(name, "is not served: files are fetched with fileRequestHeader, and are not encrypted")
        if name not in names:
            raise HallpassError(Kind.UNKNOWN_PARAM, Issue(f"The parameter {name[:40]!r} is not known here."))
        if KINDS[name] not in one:
            text = f"The parameter takes a {KINDS[name]}."
            raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"Parameters.parameter[{n}]"))
        if name in found and name != "fileRequestHeader":
            raise submission.bad(name, "is given more than once")
        found.setdefault(name, []).append(one[KINDS[name]])
    return found


def writable(context: RequestContext) -> str:
    """A type that the caller may write; the first of all where there is none, so that the scope is refused."""
    return next((t.name for t in REGISTRY if context.may(t.name, "c") or context.may(t.name, "u")), REGISTRY[0].name)


def _sent(given: Given, context: RequestContext) -> Sent:
    manifest, replaces = given.get("manifestUrl", [None])[0], given.get("replacesManifestUrl", [None])[0]
    fetcher = Fetcher(context.settings.submit_hosts, allow_http=context.settings.allow_http_endpoints)
    if manifest is not None and not fetcher.allows(manifest):
        text = "The manifestUrl must be https, of a host that the operator allows (HALLPASS_SUBMIT_HOSTS)."
        raise HallpassError(Kind.FORBIDDEN, Issue(text))
    base = given.get("fhirBaseUrl", [""])[0].rstrip("/")
    if manifest is not None and not base:
        raise submission.bad("fhirBaseUrl", "is needed with manifestUrl: it says where the ids in the files are from")
    if len(base) > LONGEST_BASE or not (base.isascii() and base.isprintable()):
        raise submission.bad("fhirBaseUrl", f"is a URL of at most {LONGEST_BASE} characters")
    if replaces is not None and manifest is None:
        raise submission.bad("replacesManifestUrl", "needs a manifestUrl, which comes in its place")
    if given.get("outputFormat", ["ndjson"])[0] not in FORMATS:
        raise submission.bad("outputFormat", "must be application/fhir+ndjson")
    submitter, name = _identifier(given), _text(given, "submissionId")
    return Sent(
        submitter, name, _status(given), base or f"urn:hallpass:submitter:{submitter}", manifest, replaces,
        _headers(given, context),
    )  # fmt: skip


def _identifier(given: Given) -> str:
    found = given.get("submitter", [{}])[0]
    system, value = (found.get("system"), found.get("value")) if isinstance(found, dict) else (None, None)
    if not isinstance(value, str) or not value or len(f"{system}|{value}") > LONGEST:
        raise submission.bad("submitter", f"is needed, an Identifier with a value, of at most {LONGEST} characters")
    return f"{system or ''}|{value}"


def _text(given: Given, name: str) -> str:
    found = given.get(name, [""])[0]
    if not isinstance(found, str) or not found or len(found) > LONGEST:
        raise submission.bad(name, f"is needed, of at most {LONGEST} characters")
    return found


def _status(given: Given) -> Status:
    found = given.get("submissionStatus", [{"code": "in-progress"}])[0]
    match found:
        case {"code": "in-progress"}:
            return "in-progress"
        case {"code": "completed"}:
            return "completed"
        case {"code": "stopped"}:
            return "stopped"
    raise submission.bad("submissionStatus", f"is in-progress, completed or stopped of {SYSTEM_OF_STATUS}")


def _headers(given: Given, context: RequestContext) -> str | None:
    """The headers to fetch with, sealed: what the database holds of them nobody can use."""
    held: dict[str, str] = {}
    for parts in given.get("fileRequestHeader", []):
        values = {p["name"]: p.get("valueString") for p in parts}
        name, value = values.get("headerName"), values.get("headerValue")
        if not isinstance(name, str) or not isinstance(value, str) or not usable(name, value):
            raise submission.bad("fileRequestHeader", "is a headerName and a headerValue that may be sent")
        held[name] = value
    if len(held) > MOST_HEADERS:
        raise submission.bad("fileRequestHeader", f"may be given {MOST_HEADERS} times")
    return Keyring.of(context.settings).seal(submission.JOB, orjson.dumps(held).decode()) if held else None


OPERATIONS = (
    Operation(
        name="bulk-submit",
        type=SYSTEM,
        calls=(Call("POST", "bulkSubmit", "Begin a bulk submission, or go on with it", instance=False),),
        note="send in records by files into your own custody; [guide](guides/bulk.md#send-in)",
        answer=submit,
        canonical=f"{_CANONICAL}/bulk-submit",
        affects_state=True,
        body=Body(("Parameters",), "submitter, submissionId, submissionStatus, manifestUrl, fhirBaseUrl and more."),
        returns="OperationOutcome",
        returns_text="It is taken in: Content-Location says where to ask for it, and where files can be uploaded.",
        headers=("Content-Location",),
    ),
    Operation(
        name="bulk-submit-status",
        type=SYSTEM,
        calls=(Call("POST", "bulkSubmitStatus", "Where the status of a submission is", instance=False),),
        note="where to ask how a submission stands",
        answer=status,
        canonical=f"{_CANONICAL}/bulk-submit-status",
        body=Body(("Parameters",), "submitter and submissionId."),
        returns="",
        headers=("Content-Location",),
        returns_text="Content-Location says where to ask.",
        status=202,
    ),
)
