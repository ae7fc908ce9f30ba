"""HTTP as FHIR uses it: media types, bodies, preferences, and the headers of a released resource.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api import formats
from app.api.formats import FHIR_JSON as FHIR_JSON
from app.api.formats import READABLE as READABLE
from app.api.formats import XML_KINDS
from app.api.formats import require_acceptable as require_acceptable
from app.api.middleware.compression import decompression
from app.consent.advice import advice
from app.errors import HallpassError, Issue, Kind
from app.exchange.service import Released, Result
from app.fhir.etags import names as names_version
from app.fhir.json import dump, parse
from app.fhir.outcome import success
from app.fhir.xml.read import json_of
from app.limits.content import require_few
from app.limits.long_work import LARGE_BYTES, off_loop
from app.search.refusal import shown
from app.settings import Settings

ALWAYS = frozenset({"_format", "_pretty"})
"""The parameters of every interaction."""

Return = Literal["representation", "minimal", "OperationOutcome"]


_RETURNS: dict[str, Return] = {
    "representation": "representation",
    "minimal": "minimal",
    "operationoutcome": "OperationOutcome",
    "presentation": "representation",  # fhirclient for JavaScript sends it with a patch
}


@dataclass(frozen=True, slots=True)
class Prefer:
    """What the Prefer header asks for; `return_` is None where it does not say what a write returns."""

    return_: Return | None = None
    lenient: bool = False


def prefer(request: Request) -> Prefer:
    """Read the Prefer header. An unknown preference or value is ignored, of two the first counts, case does not.

    https://hl7.org/fhir/R4/http.html#ops and https://www.rfc-editor.org/rfc/rfc7240#section-2
    """
    found: dict[str, str] = {}
    for part in ",".join(request.headers.getlist("Prefer")).split(","):
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"').strip().lower())
    return Prefer(_RETURNS.get(found.get("return", "")), found.get("handling") == "lenient")


async def body(request: Request, settings: Settings, client: str) -> dict[str, Any]:
    """The resource in the request, as JSON. Raises UNSUPPORTED, TOO_LARGE or MALFORMED, and INVALID for a bad Prefer.

    RequestContext.body asks for it, after the scope.
    """
    prefer(request)  # what is wrong with it has to show before anything is written
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in READABLE:
        text = f"A body is JSON or XML, sent with Content-Type: {FHIR_JSON} or {formats.FHIR_XML}."
        raise HallpassError(Kind.UNSUPPORTED, text)
    raw = await raw_body(request, settings.max_body_bytes)
    return await off_loop(client, partial(read, raw, settings, kind), large=len(raw) > LARGE_BYTES)


def read(raw: bytes, settings: Settings, kind: str = FHIR_JSON) -> dict[str, Any]:
    """The JSON object in a body, which is what XML says as well. Raises TOO_LARGE or MALFORMED."""
    if kind in XML_KINDS:
        raw = json_of(raw, settings.max_body_values)
    require_few(raw, settings.max_body_values)
    return parse(raw)


async def raw_body(request: Request, limit: int) -> bytes:
    """The request's bytes, unpacked, as many as are allowed, read and unpacked no further than that."""
    length = request.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise HallpassError(Kind.INVALID, "The Content-Length header must be a number.")
    if len(length) > 18 or int(length) > limit:
        raise too_large(limit)
    unpack = decompression(request.headers.get("Content-Encoding", ""))
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += unpack(chunk, limit + 1 - len(chunks))
        if len(chunks) > limit:
            raise too_large(limit)
    unpack(b"", 1)
    return bytes(chunks)


def too_large(limit: int) -> HallpassError:
    """The 413 of a body over the limit."""
    return HallpassError(Kind.TOO_LARGE, f"A body has at most {limit} bytes.", headers={"Connection": "close"})


def respond_in_parts(request: Request, parts: AsyncIterator[bytes]) -> Response:
    """A response that is sent while it is made. What cannot be made whole is broken off, and so is no JSON."""
    return StreamingResponse(parts, 200, {"Cache-Control": "no-store"}, formats.media_type(request))


def respond(
    request: Request,
    content: bytes,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    done: str | None = None,
) -> Response:
    """A response with a resource, given as JSON. `done`: as in `formats.written`, for what was written."""
    return formats.written(request, content, status, {"Cache-Control": "no-store", **(headers or {})}, done=done)


def one(request: Request, answer: Result, base: str) -> Response:
    """The answer to a read: the resource, or 304 to a caller that has it already."""
    if answer.held:
        return Response(None, 304, {"Cache-Control": "no-store", **version_headers(answer.one)})
    return respond(request, answer.one.body, headers=version_headers(answer.one) | ground_header(answer.one, base))


def ground_header(released: Released, base: str) -> dict[str, str]:
    """The link to the Consent under which a record leaves, if it does under one."""
    if released.ground is None:
        return {}
    consent = f"{base}/Consent/{released.ground.consent}/_history/{released.ground.version}"
    return {"Link": f'<{consent}>; rel="describedby"; title="The consent under which the record is disclosed"'}


def version_headers(released: Released) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    return {"ETag": released.etag, "Last-Modified": format_datetime(released.updated.astimezone(UTC), usegmt=True)}


def parameters(request: Request, *names: str) -> dict[str, str]:
    """The query's parameters out of `names`, as `chosen`; a caller that wants leniency may give others."""
    pairs = request.query_params.multi_items()
    strange = any(key not in names and key not in ALWAYS for key, _ in pairs)
    return chosen(pairs, names, lenient=strange and prefer(request).lenient)


def chosen(pairs: Iterable[tuple[str, str]], names: Collection[str], *, lenient: bool = False) -> dict[str, str]:
    """The parameters out of `names`, each given once, `_format` and `_pretty` aside.

    Raises UNKNOWN_PARAM for any other, unless leniently, and INVALID for a repeated one.
    """
    given: dict[str, str] = {}
    for key, value in pairs:
        if key in names:
            if key in given:
                raise HallpassError(Kind.INVALID, Issue(f"The parameter {key!r} is given more than once."))
            given[key] = value
        elif key not in ALWAYS and not lenient:
            raise HallpassError(Kind.UNKNOWN_PARAM, Issue(f"The parameter {shown(key)} is not known here."))
    return given


def written(request: Request, released: Released, base: str, status: int) -> Response:
    """The answer to a create or update, as `Prefer: return=` asks."""
    headers = version_headers(released)
    headers["Location"] = f"{base}/{released.type}/{released.id}/_history/{released.version}"
    wanted = prefer(request).return_
    if wanted == "minimal":
        return Response(None, status, headers)
    if wanted == "OperationOutcome":
        said = success("Stored." if status == 201 else "Done.", *advised(released))
        return respond(request, dump(said), status, headers)
    return respond(request, released.body, status, headers, done="Stored.")


def advised(released: Released) -> list[Issue]:
    """What the writer of a resource may not have meant."""
    own = advice(parse(released.body)) if released.type == "Consent" and released.body else []
    return [*own, *released.advice]


def condition(request: Request) -> list[tuple[str, str]]:
    """The condition in the query string. Raises INVALID where there is none: it would match everything."""
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k not in ALWAYS]
    if not pairs:
        raise HallpassError(
            Kind.INVALID, Issue("The request needs a search parameter that says which resource it is about.")
        )
    return pairs


def if_match(request: Request) -> str | None:
    """The If-Match header. Raises INVALID for what is no list of entity tags, whether or not there is a version."""
    tags = request.headers.get("If-Match")
    if tags is not None:
        names_version(tags, 0)
    return tags
