"""HTTP as FHIR uses it: media types, bodies, preferences, and the headers of a released resource.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, Literal

from fastapi import Request, Response

from app.consent.gate import Released
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import dump, parse
from app.fhir.outcome import success

FHIR_JSON = "application/fhir+json"
READABLE = frozenset({"application/fhir+json", "application/json", "text/json", "application/json+fhir"})
_WILDCARDS = frozenset({"*/*", "application/*"})
_FORMATS = READABLE | {"json"}

Return = Literal["representation", "minimal", "OperationOutcome"]


@dataclass(frozen=True, slots=True)
class Prefer:
    """What the Prefer header asks for. https://hl7.org/fhir/R4/http.html#ops"""

    return_: Return = "representation"
    lenient: bool = False


def prefer(request: Request) -> Prefer:
    """Read the Prefer header. Raises INVALID for a value that `return` or `handling` does not have."""
    wanted = ",".join(request.headers.getlist("Prefer")).replace(";", ",").split(",")
    pairs = dict(part.strip().partition("=")[::2] for part in wanted if "=" in part)
    return_ = pairs.get("return", "representation").strip('" ')
    handling = pairs.get("handling", "strict").strip('" ')
    if return_ not in ("representation", "minimal", "OperationOutcome") or handling not in ("strict", "lenient"):
        raise HallpassError(Kind.INVALID, Issue("The Prefer header asks for something that there is not."))
    return Prefer(return_, handling == "lenient")  # type: ignore[arg-type]


def require_acceptable(request: Request) -> None:
    """Raise NOT_ACCEPTABLE unless JSON will do: by _format, or else by Accept."""
    format_ = request.query_params.get("_format")
    if format_ is not None:
        if format_.partition(";")[0].strip().replace(" ", "+") not in _FORMATS:
            raise _only_json(Kind.NOT_ACCEPTABLE)
        return
    accept = request.headers.get("Accept", "*/*")
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if not kinds & (READABLE | _WILDCARDS):
        raise _only_json(Kind.NOT_ACCEPTABLE)


async def body(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object in the request. Raises UNSUPPORTED, TOO_LARGE or MALFORMED."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in READABLE:
        raise _only_json(Kind.UNSUPPORTED)
    return parse(await raw_body(request, limit))


async def raw_body(request: Request, limit: int) -> bytes:
    """The request's bytes, as many as are allowed, read no further than that."""
    if int(request.headers.get("Content-Length") or 0) > limit:
        raise too_large(limit)
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > limit:
            raise too_large(limit)
    return bytes(chunks)


def too_large(limit: int) -> HallpassError:
    """The 413 of a body over the limit."""
    return HallpassError(Kind.TOO_LARGE, f"A body has at most {limit} bytes.", headers={"Connection": "close"})


def respond(request: Request, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response, as FHIR's media type, or as plain JSON to those who ask for that."""
    wanted = request.headers.get("Accept", "")
    kind = "application/json" if "application/json" in wanted and FHIR_JSON not in wanted else FHIR_JSON
    if request.query_params.get("_pretty") == "true":
        content = dump(parse(content), pretty=True)
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, kind)


def version_headers(released: Released) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    return {
        "ETag": f'W/"{released.version}"',
        "Last-Modified": format_datetime(released.updated, usegmt=True),
    }


def written(request: Request, released: Released, base: str, status: int) -> Response:
    """The answer to a create or update, as `Prefer: return=` asks."""
    headers = version_headers(released)
    headers["Location"] = f"{base}/{released.type}/{released.id}/_history/{released.version}"
    wanted = prefer(request).return_
    if wanted == "minimal":
        return Response(None, status, headers)
    if wanted == "OperationOutcome":
        return respond(request, dump(success("Stored." if status == 201 else "Done.")), status, headers)
    return respond(request, released.body, status, headers)


def _only_json(kind: Kind) -> HallpassError:
    return HallpassError(kind, f"This server speaks JSON: {FHIR_JSON}.")
