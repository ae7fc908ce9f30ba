"""The OpenAPI 3.1 document of the whole server, from the registry and the tables that it serves by.

https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from app.openapi import (
    answers,
    by_type,
    of_any_type,
    of_export,
    of_operations,
    of_record,
    of_server,
    of_submission,
    of_system,
    parameters,
    values,
)
from app.openapi.operation import schemes
from app.openapi.patch import JSON_PATCH, MERGE_PATCH
from app.openapi.schemas import of_types
from app.resources import REGISTRY, TYPES
from app.terminology.definition import VERSION

Json = dict[str, Any]
DESCRIPTION = """A FHIR R4 exchange between school districts and community providers, under signed releases.

What a caller may not see looks to it as if it did not exist: the same 404, the same empty Bundle. Every failure is an
OperationOutcome. HEAD is GET without a body, a slash at the end of a path changes nothing, and bodies may be packed by
gzip.

The id of a resource is the server's. To push a resource by its identifier, use the conditional update (PUT to the
type). A condition is any search of the type, and finds among what the caller holds. A write answers the resource; with
`Prefer: return=OperationOutcome` what was done, with `return=minimal` nothing.

Searches: repeat a parameter to ask for all of its values; commas are OR. Modifiers stand behind a name (`name:exact`),
chains too (`patient.name`), and `_has:Type:reference:parameter` asks from the other side. The reference lists them.
"""
_SERVICE = (
    of_operations.TAG,
    of_export.TAG,
    of_submission.TAG,
    of_system.TAG,
    of_system.OPEN_TAG,
    of_server.AUTH,
    of_server.SERVER,
)
TAGS = ("AuditEvent", *_SERVICE)
BESIDE = ("Bundle", "MeasureReport", "OperationOutcome", "Parameters")
"""The types in bodies and answers that are no records. What definitions hold is told by HL7, not here."""


@lru_cache(maxsize=2)
def document(base_url: str) -> Json:
    """The document of the server at `base_url`. It is shared: do not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hallpass",
            "version": VERSION,
            "summary": "FHIR R4 between schools and clinics, under signed releases",
            "description": DESCRIPTION,
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": n} for n in (*TYPES, *_SERVICE)],
        "paths": paths(),
        "components": _components(),
    }


def paths() -> dict[str, Json]:
    """Every path item, by path."""
    found: dict[str, Json] = {}
    beside = (
        of_any_type.paths(),
        of_operations.paths(),
        of_record.paths(),
        of_system.paths(),
        of_server.paths(),
        of_export.paths(),
        of_submission.paths(),
    )
    for part in (*map(by_type.paths, REGISTRY), *beside):
        found |= part
    return dict(sorted(found.items()))


def _components() -> Json:
    every = {**parameters.SHARED, **parameters.search_components()}
    schemas = of_types((*TYPES, *BESIDE)) | {
        "JsonPatch": JSON_PATCH,
        "MergePatch": MERGE_PATCH,
        "SearchForm": parameters.form(every),
        **values.COMPONENTS,
        **of_server.SCHEMAS,
    }
    responses = of_any_type.responses() | answers.components()
    bodies = of_any_type.bodies()
    for declared in REGISTRY:
        responses |= by_type.responses(declared)
        bodies |= by_type.bodies(declared)
    return {
        "schemas": dict(sorted(schemas.items())),
        "parameters": dict(sorted(every.items())),
        "requestBodies": dict(sorted(bodies.items())),
        "responses": dict(sorted(responses.items())),
        "headers": answers.HEADERS,
        "securitySchemes": schemes(),
    }
