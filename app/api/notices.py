"""The notices that go with a released record: what its recipient may not do with it. 42 CFR 2.32, 34 CFR 99.33.

The label NORDSCLCD on the record says that there is one; each is a Library, one read away, without a token.
https://hl7.org/fhir/R4/library.html
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from fastapi import APIRouter, Request, Response

from app.api import http
from app.consent.regimes import REGIMES
from app.errors import not_found
from app.fhir.json import dump

NOTICES = {r.notice.id: (r.notice.title, r.notice.text) for r in REGIMES}
"""Title and text by id."""


def add(router: APIRouter) -> None:
    """The route of the notices."""

    @router.get("/Library/{id}", operation_id="readNotice", summary="A notice on redisclosure", tags=["Library"])
    async def read(request: Request, id: str) -> Response:
        http.require_acceptable(request)
        if id not in NOTICES:
            raise not_found()
        return http.respond(request, dump(library(id)))


def library(name: str) -> dict[str, Any]:
    """One notice as a Library."""
    title, text = NOTICES[name]
    return {
        "resourceType": "Library",
        "id": name,
        "name": name.replace("-", "_"),
        "title": title,
        "status": "active",
        "type": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "asset-collection"}]
        },
        "description": text,
        "content": [{"contentType": "text/plain", "data": b64encode(text.encode()).decode()}],
    }
