"""The notices that go with a released record: what its recipient may not do with it. 42 CFR 2.32, 34 CFR 99.33.

The label NORDSCLCD on the record says that there is one; each is a Library, one read away, without a token.
https://hl7.org/fhir/R4/library.html
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from fastapi import APIRouter, Request, Response

from app.errors import not_found
from app.fhir.json import dump
from app.rest import http

NOTICES = {
    "notice-ferpa": (
        "Education records released with consent (34 CFR 99.33)",
        "This record was released from an education record for the purpose that its release names. Who receives it"
        " may use it for that purpose only, and may not disclose it to any other party without the prior consent of"
        " the parent or eligible student, unless 34 CFR Part 99 allows it.",
    ),
    "notice-hipaa": (
        "Health records released under an authorization (45 CFR 164.508)",
        "This record was released under a signed authorization, for the purpose that it names. The authorization can"
        " be revoked. What was released may be subject to redisclosure rules of the law that its recipient is under.",
    ),
    "notice-42-cfr-part-2": (
        "Substance use disorder records (42 CFR 2.32)",
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
    ),
}


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
