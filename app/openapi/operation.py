"""One operation of the document: its parameters, body, answers, and the scopes that open it.

https://spec.openapis.org/oas/v3.1.1#operation-object
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.errors import Kind
from app.openapi.answers import PLAIN_JSON, failures
from app.resources import TYPES
from app.rest.http import FHIR_JSON

Json = dict[str, Any]
BEARER, BACKEND = "bearer", "smartBackendService"
MEANING = {
    "c": "create",
    "r": "read by id, versions too",
    "u": "update and patch",
    "d": "delete",
    "s": "search, and the history of the type",
}


def operation(
    operation_id: str,
    summary: str,
    tag: str,
    *,
    success: dict[int, Json],
    kinds: Iterable[Kind],
    parameters: Sequence[Json] = (),
    body: Json | None = None,
    description: str = "",
    scopes: Sequence[str] = (),
    public: bool = False,
) -> Json:
    """An operation object. `scopes` are those that it takes, all of them; none: those of what it is about."""
    found: Json = {"operationId": operation_id, "summary": summary, "tags": [tag]}
    if description:
        found["description"] = description
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = body
    found["responses"] = {**{str(s): r for s, r in success.items()}, **failures(kinds)}
    found["security"] = [] if public else [{BACKEND: list(scopes)}, {BEARER: list(scopes)}]
    return found


def scope(type_name: str, letter: str) -> str:
    """The scope of an interaction on a type."""
    return f"system/{type_name}.{letter}"


def json_body(schema: Json, description: str) -> Json:
    """A body in FHIR's media type, or in plain JSON."""
    content = {FHIR_JSON: {"schema": schema}, PLAIN_JSON: {"schema": schema}}
    return {"required": True, "description": description, "content": content}


def schemes() -> dict[str, Json]:
    """The ways to authenticate: both come to a bearer token, the second one has it already."""
    every = {scope("*", "cruds"): "everything that the client may have"}
    every |= {scope(t, k): f"{t}: {text}" for t in (*TYPES, "AuditEvent") for k, text in MEANING.items()}
    every["hallpass/emergency"] = "break the glass"
    return {
        BACKEND: {
            "type": "oauth2",
            "description": "SMART Backend Services: `client_credentials` with `private_key_jwt` (RS384 or ES384)."
            " Scopes are of SMART 2 (`system/Patient.rs`), of SMART 1 (`system/Patient.read`), and with wildcards"
            " (`system/*.cruds`).",
            "flows": {"clientCredentials": {"tokenUrl": "/auth/token", "scopes": every}},
        },
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token, as `hallpass token` prints one.",
        },
    }
