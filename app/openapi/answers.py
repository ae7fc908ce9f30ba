"""The answers of operations: what each success holds, and one component for each status of the closed table of errors.

https://hl7.org/fhir/R4/http.html#summary and https://spec.openapis.org/oas/v3.1.1#responses-object
"""

from __future__ import annotations

from typing import Any

from app.api.formats import FHIR_JSON, FHIR_XML
from app.openapi.examples import of_error
from app.openapi.schemas import ref

Json = dict[str, Any]
PLAIN_JSON = "application/json"

_WHEN: dict[int, str] = {
    400: "The body is not FHIR's JSON, or a header, id or parameter is not known or cannot be understood.",
    401: "No access token, or one that does not hold.",
    403: "The token's scopes do not reach so far, or another organization holds the resource.",
    404: "There is nothing that this caller may see.",
    406: "Another format than JSON was asked for.",
    409: "The write contradicts something that stands: others refer to the resource, or a release was active.",
    410: "It was deleted, and the caller could see it.",
    412: "If-Match names another version, or a condition matches more than one of the caller's resources.",
    413: "The body is larger than the server allows.",
    415: "The body is not JSON, or packed by something else than gzip.",
    422: "The resource breaks a rule of FHIR, of its profile or of releases, each named with its place; or the search"
    " would cost more than its bound.",
    429: "The client, or an address without a valid token, asks too often or too much at once. Wait, and try again.",
    500: "A fault of the server's. Nothing of it is shown.",
    503: "The database or the ledger cannot be reached: nothing leaves. Try again.",
}

HEADERS: dict[str, Json] = {
    "ETag": {
        "description": "The version: what If-Match takes.",
        "required": True,
        "schema": {"type": "string", "pattern": '^W/"[0-9]+"$'},
        "example": 'W/"1"',
    },
    "Last-Modified": {
        "description": "When the version was stored.",
        "required": True,
        "schema": {"type": "string"},
        "example": "Sun, 22 Nov 2026 08:00:00 GMT",
    },
    "Location": {
        "description": "After a write: the version that was stored.",
        "schema": {"type": "string", "format": "uri"},
    },
    "WWW-Authenticate": {
        "description": "With 401: what the token lacks (RFC 6750).",
        "schema": {"type": "string", "pattern": "^Bearer "},
        "example": 'Bearer realm="hallpass"',
    },
    "Retry-After": {
        "description": "With 429 and 503: seconds to wait.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "Content-Location": {
        "description": "Where to ask how the export stands.",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
    },
    "X-Progress": {"description": "How far it has come.", "schema": {"type": "string", "maxLength": 100}},
    "Link": {"description": "The next page of what is no Bundle.", "schema": {"type": "string"}},
}
VERSION = ("ETag", "Last-Modified")


def failures() -> Json:
    """The response of every error, whatever its status."""
    return {"default": {"$ref": f"#/components/responses/{ERROR}"}}


ERROR = "Error"
"""The component of the answer of every error."""


def components() -> dict[str, Json]:
    """The response of every error: its statuses, when each comes, and an example of each."""
    shown = {str(status): {"value": found} for status in _WHEN if (found := of_error(status))}
    media = {"schema": ref("OperationOutcome"), **({"examples": shown} if shown else {})}
    content = {FHIR_JSON: media, FHIR_XML: {}}
    told = "\n".join(f"- {status}: {text}" for status, text in _WHEN.items())
    return {ERROR: {"description": told, "headers": headers("WWW-Authenticate", "Retry-After"), "content": content}}


def headers(*names: str) -> dict[str, Json]:
    """Headers by name, each as its component."""
    return {n: {"$ref": f"#/components/headers/{n}"} for n in names}


def json(description: str, schema: Json, *header_names: str, shown: Any = None, **more: Any) -> Json:
    """A response in FHIR's media types; `Accept` gets it as plain JSON. `shown`: a body that was answered."""
    found: Json = {"description": description}
    if header_names:
        found["headers"] = headers(*header_names)
    media = {"schema": schema, **({"examples": {"performed": {"value": shown}}} if shown is not None else {})}
    return {**found, "content": {FHIR_JSON: media, FHIR_XML: {}}, **more}


def empty(description: str, *header_names: str, **more: Any) -> Json:
    """A response without a body."""
    found: Json = {"description": description}
    if header_names:
        found["headers"] = headers(*header_names)
    return {**found, **more}
