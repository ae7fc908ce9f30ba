"""The CapabilityStatement, from the registry and the search parameters that are served.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from app.resources import REGISTRY, ResourceType
from app.search.parameters import PARAMETERS, Parameter, ParamKind

PUBLISHED = "2026-11-22"
SMART = "http://terminology.hl7.org/CodeSystem/restful-security-service"
OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
INTERACTIONS = ("read", "vread", "update", "delete", "history-instance", "create", "search-type")


@lru_cache(maxsize=4)
def capability_statement(base_url: str) -> dict[str, Any]:
    """What the server at `base_url` can do."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Hallpass"},
        "implementation": {"description": "Hallpass, a FHIR exchange under signed releases", "url": f"{base_url}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(base_url),
                "resource": [_resource(t) for t in REGISTRY],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(base_url: str) -> dict[str, Any]:
    return {
        "cors": False,
        "service": [{"coding": [{"system": SMART, "code": "SMART-on-FHIR"}]}],
        "description": "SMART Backend Services: client_credentials with private_key_jwt.",
        "extension": [
            {"url": OAUTH, "extension": [{"url": "token", "valueUri": f"{base_url}/auth/token"}]},
        ],
    }


def _resource(declared: ResourceType) -> dict[str, Any]:
    parameters = list(PARAMETERS[declared.name].values())
    references = sorted(p.code for p in parameters if p.kind is ParamKind.REFERENCE)
    return {
        "type": declared.name,
        "interaction": [{"code": code} for code in INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "searchInclude": [f"{declared.name}:{code}" for code in references],
        "searchParam": [_parameter(p) for p in parameters],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found = {"name": parameter.code, "type": parameter.kind.value}
    return {**found, "definition": parameter.url} if parameter.url else found
