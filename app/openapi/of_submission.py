"""The paths of a bulk submission after its first request. https://build.fhir.org/ig/HL7/bulk-data/"""

from __future__ import annotations

from typing import Any

from app.openapi import answers
from app.openapi.operation import operation
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
TAG = "Bulk submission"
NDJSON = "application/fhir+ndjson"
_COUNT = {
    "type": "object",
    "required": ["code", "count"],
    "properties": {"code": {"enum": ["information", "error"]}, "count": {"type": "integer", "minimum": 0}},
}
_OUTCOME = {
    "type": "object",
    "required": ["url", "countSeverity"],
    "properties": {
        "url": {"type": "string"},
        "manifestUrl": {"type": "string"},
        "countSeverity": {"type": "array", "items": _COUNT},
    },
}
MANIFEST: Json = {
    "type": "object",
    "required": ["submissionId", "manifestType", "transactionTime", "requiresAccessToken", "outcome"],
    "properties": {
        "submissionId": {"type": "string"},
        "manifestType": {"type": "string"},
        "transactionTime": {"type": "string", "format": "date-time"},
        "requiresAccessToken": {"const": True},
        "outcome": {"type": "array", "items": _OUTCOME},
    },
}
"""What is answered once all of a submission is taken."""


def paths() -> dict[str, Json]:
    """The path items, by path."""
    id, name = ref("id"), ref("submissionFile")
    waiting = answers.empty("It is under way.", "Retry-After", "X-Progress")
    over = {"description": "It is taken: the manifest.", "content": {"application/json": {"schema": MANIFEST}}}
    lines = {"description": "An OperationOutcome for each line.", "content": {NDJSON: {"schema": {"type": "string"}}}}
    body = {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}}
    return {
        "/fhir/submission/{id}": {
            "get": operation(
                "submissionStatus", "How a submission stands", TAG, parameters=[id, *ALWAYS],
                success={200: over, 202: waiting},
            ),
        },
        "/fhir/submission/{id}/{name}": {
            "post": operation(
                "uploadFile", "Upload a file of a submission", TAG, parameters=[id, name, *ALWAYS], body=body,
                success={200: answers.json("It is taken in.", schema("OperationOutcome"))},
            ),
            "get": operation(
                "submissionOutcome", "What became of each line", TAG, parameters=[id, name, *ALWAYS],
                success={200: lines},
            ),
        },
    }  # fmt: skip
