"""The OpenAPI 3.1 document of the whole server, from the registry and the tables that it serves by.

https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from app.conformance.base import VERSION
from app.conformance.catalogue import TYPES as DEFINITIONS
from app.openapi import answers, by_type, of_record, of_server, of_system, parameters, values
from app.openapi.examples import add
from app.openapi.operation import schemes
from app.openapi.patch import JSON_PATCH, MERGE_PATCH
from app.openapi.schemas import ANY, any_of, of_types
from app.resources import REGISTRY, TYPES

Json = dict[str, Any]
DESCRIPTION = """A FHIR R4 exchange between school districts and community providers, under signed releases.

What a caller may not see looks to it as if it did not exist: the same 404, the same empty Bundle. Every failure is an
OperationOutcome. HEAD is GET without a body, a slash at the end of a path changes nothing, and bodies may be packed by
gzip.
"""
BESIDE = ("Bundle", "OperationOutcome", "Parameters", "CapabilityStatement", "AuditEvent", "Library", *DEFINITIONS)
"""The types in answers that are no records."""
IN_BUNDLES = (*TYPES, "AuditEvent", "Binary", "Bundle", "OperationOutcome", "Parameters", *DEFINITIONS)


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
        "tags": [{"name": n} for n in (*TYPES, of_system.TAG, of_system.OPEN_TAG, of_server.AUTH, of_server.SERVER)],
        "paths": paths(),
        "components": _components(),
    }


def paths() -> dict[str, Json]:
    """Every path item, by path."""
    found: dict[str, Json] = {}
    for part in (*map(by_type.paths, REGISTRY), of_record.paths(), of_system.paths(), of_server.paths()):
        found |= part
    return {path: {method: add(o) for method, o in item.items()} for path, item in sorted(found.items())}


def _components() -> Json:
    searched = parameters.search_components()
    every = {**parameters.SHARED, **searched}
    schemas = of_types((*TYPES, *BESIDE, "Binary"))
    schemas |= {
        ANY: any_of(sorted(IN_BUNDLES)),
        "JsonPatch": JSON_PATCH,
        "MergePatch": MERGE_PATCH,
        **values.COMPONENTS,
        **of_server.SCHEMAS,
    }
    schemas |= {f"{d.name if d else 'Any'}Search": parameters.form(d, every) for d in (*REGISTRY, None)}
    return {
        "schemas": dict(sorted(schemas.items())),
        "parameters": dict(sorted(every.items())),
        "responses": answers.components(),
        "headers": answers.HEADERS,
        "securitySchemes": schemes(),
    }
