"""The CapabilityStatement, from the registry and the search parameters that are served.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from app.fhir.interactions import OF_SYSTEM, OF_TYPES, OPERATIONS, Interaction
from app.resources import REGISTRY, ResourceType
from app.search.parameters import PARAMETERS, Parameter, ParamKind

PUBLISHED = "2026-11-22"
SMART = "http://terminology.hl7.org/CodeSystem/restful-security-service"
OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/patient"


@lru_cache(maxsize=4)
def capability_statement(base_url: str, *, cors: bool = False, most_deletes: int = 1) -> dict[str, Any]:
    """What the server at `base_url` can do: for pages of other origins, and by one conditional delete."""
    deletes = "multiple" if most_deletes > 1 else "single"
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Hallpass"},
        "implementation": {"description": "Hallpass, a FHIR exchange under signed releases", "url": f"{base_url}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(base_url, cors=cors),
                "resource": [_resource(t, deletes) for t in REGISTRY],
                "interaction": [{"code": code} for code in _codes(OF_SYSTEM)],
                "compartment": [COMPARTMENT],
            }
        ],
    }


def _codes(interactions: tuple[Interaction, ...]) -> list[str]:
    return list(dict.fromkeys(i.code for i in interactions))


def _security(base_url: str, *, cors: bool) -> dict[str, Any]:
    return {
        "cors": cors,
        "service": [{"coding": [{"system": SMART, "code": "SMART-on-FHIR"}]}],
        "description": "SMART Backend Services: client_credentials with private_key_jwt.",
        "extension": [
            {"url": OAUTH, "extension": [{"url": "token", "valueUri": f"{base_url}/auth/token"}]},
        ],
    }


def _resource(declared: ResourceType, deletes: str) -> dict[str, Any]:
    parameters = list(PARAMETERS[declared.name].values())
    references = sorted(p.code for p in parameters if p.kind is ParamKind.REFERENCE)
    return {
        "type": declared.name,
        "interaction": [{"code": code} for code in _codes(OF_TYPES)],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": deletes,
        "referencePolicy": ["literal", "logical", "enforced", "local"],
        "searchInclude": [f"{declared.name}:{code}" for code in references],
        "searchRevInclude": _reverse(declared.name),
        "searchParam": [_parameter(p) for p in parameters],
        "operation": [
            {"name": o.name, "definition": o.definition} for o in OPERATIONS if o.type in (None, declared.name)
        ],
    }


def _reverse(name: str) -> list[str]:
    """The references that lead to a type."""
    every = ((t.name, p) for t in REGISTRY for p in PARAMETERS[t.name].values())
    return sorted(f"{source}:{p.code}" for source, p in every if p.kind is ParamKind.REFERENCE and name in p.targets)


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found = {"name": parameter.code, "type": parameter.kind.value}
    return {**found, "definition": parameter.url} if parameter.url else found
