"""One operation of the document: its parameters, body, answers, and the scopes that open it.

https://spec.openapis.org/oas/v3.1.1#operation-object
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.api.http import FHIR_JSON
from app.openapi.answers import failures
from app.resources import TYPES

Json = dict[str, Any]
BACKEND = "smart"
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
    success: Mapping[Any, Json],
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
    found["responses"] = {**{str(s): r for s, r in success.items()}, **failures()}
    found["security"] = [] if public else [{BACKEND: list(scopes)}]
    return found


def scope(type_name: str, letter: str) -> str:
    """The scope of an interaction on a type."""
    return f"system/{type_name}.{letter}"


def json_body(schema: Json, description: str, shown: Json | None = None) -> Json:
    """A body in FHIR's media type; plain JSON is taken as well. `shown`: a body that was sent, by media type."""
    media = {"schema": schema, **({"examples": {"performed": {"value": shown[FHIR_JSON]}}} if shown else {})}
    return {"required": True, "description": description, "content": {FHIR_JSON: media}}


def response(name: str) -> Json:
    """An answer that stands for a component."""
    return {"$ref": f"#/components/responses/{name}"}


def body(name: str) -> Json:
    """A body that stands for a component."""
    return {"$ref": f"#/components/requestBodies/{name}"}


def schemes() -> dict[str, Json]:
    """The way to authenticate."""
    every = {scope("*", "cruds"): "everything that the client may have"}
    every |= {scope(t, k): f"{t}: {text}" for t in (*TYPES, "AuditEvent") for k, text in MEANING.items()}
    every["hallpass/emergency"] = "break the glass"
    return {
        BACKEND: {
            "type": "oauth2",
            "description": "SMART Backend Services: `client_credentials` with `private_key_jwt` (RS384 or ES384)."
            " Scopes are of SMART 2 (`system/Patient.rs`), of SMART 1 (`system/Patient.read`), and with wildcards"
            " (`system/*.cruds`). `hallpass token` prints a token.",
            "flows": {"clientCredentials": {"tokenUrl": "/auth/token", "scopes": every}},
        },
    }
