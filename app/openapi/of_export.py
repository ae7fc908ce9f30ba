"""The paths of a bulk export after its kick-off. https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""

from __future__ import annotations

from typing import Any

from app.openapi import answers
from app.openapi.operation import operation
from app.openapi.parameters import ALWAYS, ref

Json = dict[str, Any]
TAG = "Bulk export"
_FILE = {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}, "type": {"type": "string"}}}
MANIFEST: Json = {
    "type": "object",
    "required": ["transactionTime", "request", "requiresAccessToken", "output", "error"],
    "properties": {
        "transactionTime": {"type": "string", "format": "date-time"},
        "request": {"type": "string"},
        "requiresAccessToken": {"const": True},
        **{name: {"type": "array", "items": _FILE} for name in ("output", "deleted", "error")},
        "outputOrganizedBy": {"const": "Patient"},
        "extension": {
            "type": "object",
            "description": "`releases`: the Consents that the lines leave under, the first of them and where all are.",
        },
    },
}
"""What is answered once an export is complete."""


def paths() -> dict[str, Json]:
    """The path items, by path."""
    id, name = ref("id"), ref("exportFile")
    waiting = answers.empty("It is under way.", "Retry-After", "X-Progress")
    complete = {"description": "It is complete: the manifest.", "content": {"application/json": {"schema": MANIFEST}}}
    lines = {"description": "Its lines.", "content": {"application/fhir+ndjson": {"schema": {"type": "string"}}}}
    canceled = {202: answers.empty("It is canceled: nothing of it can be had any more.")}
    return {
        "/fhir/export/{id}": {
            "get": operation(
                "exportStatus",
                "How an export stands",
                TAG,
                parameters=[id, *ALWAYS],
                success={200: complete, 202: waiting},
            ),
            "delete": operation("cancelExport", "Cancel an export", TAG, parameters=[id, *ALWAYS], success=canceled),
        },
        "/fhir/export/{id}/{name}": {
            "get": operation(
                "exportFile", "A file of an export", TAG, parameters=[id, name, *ALWAYS], success={200: lines}
            ),
        },
    }
