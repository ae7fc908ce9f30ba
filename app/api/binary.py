"""The bytes of a Binary, as they are, to who does not ask for FHIR. https://hl7.org/fhir/R4/binary.html#rest

Bytes have no place for a label, so it goes in headers: the security labels, the notice with the consent's scope
under 42 CFR 2.32, the Consent as a link, and the student as the security context.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

from fastapi import Request, Response

from app.api import http
from app.exchange.service import Result
from app.fhir.json import parse
from app.resources.paths import first, values

LABEL = "X-Security-Label"
CONTEXT = "X-Security-Context"
NOTICE = "X-Security-Notice"
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w-]+=[\w.+-]+)*", re.ASCII)
_INERT = {
    "Cache-Control": "no-store",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""What a member stored never runs in a browser as a page of this server."""


def wants_bytes(request: Request) -> bool:
    """Whether a read asks for the content itself: neither `_format` nor `Accept` names a format of FHIR."""
    if "_format" in request.query_params or "_elements" in request.query_params or "_summary" in request.query_params:
        return False
    accept = request.headers.get("Accept", "*/*")
    return not {part.partition(";")[0].strip().lower() for part in accept.split(",")} & http.READABLE


def content(answer: Result, base: str) -> Response:
    """The bytes with their label, or 304 to a caller that has them already."""
    if answer.held:
        return Response(None, 304, {"Cache-Control": "no-store", **http.version_headers(answer.one)})
    binary = parse(answer.one.body)
    kind = str(binary["contentType"])
    media_type = kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream"
    headers = {**_INERT, **http.version_headers(answer.one), **http.ground_header(answer.one, base), **_label(binary)}
    return Response(b64decode(binary.get("data", "")), 200, headers, media_type)


def _label(binary: dict[str, Any]) -> dict[str, str]:
    labels = [f"{x.get('system', '')}|{x['code']}" for x in values(binary, "meta.security") if "code" in x]
    student = first(binary, "securityContext.reference")
    notices = values(binary, "meta.security.extension.valueRelatedArtifact.display")
    found = {LABEL: ", ".join(labels), NOTICE: " ".join(notices), CONTEXT: str(student) if student else ""}
    return {name: _printable(value) for name, value in found.items() if value}


def _printable(value: str) -> str:
    """The text as a header holds it: ASCII that is printed."""
    return re.sub(r"[^\x20-\x7e]", "?", value)
