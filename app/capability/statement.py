"""The CapabilityStatement, from the registry, the search parameters and the definitions that are served.

https://hl7.org/fhir/R4/capabilitystatement.html — every canonical URL in it is one that this server resolves, but for
those of terminology, of SMART, and of HL7's guides to Subscriptions and to bulk data.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from app.capability.catalog import TYPES
from app.capability.interactions import LEDGER_PARAMETERS, OF_LEDGER, OF_SYSTEM, OF_TYPES, Interaction
from app.capability.operation import SYSTEM, operations
from app.capability.profiles import PROFILES
from app.capability.searching import SEARCHED, definition_of
from app.resources import REGISTRY, ResourceType
from app.search.parameters import PARAMETERS, Parameter, ParamKind
from app.subscriptions.definition import PREFIX
from app.subscriptions.definition import PROFILE as SUBSCRIPTION
from app.subscriptions.topics import TOPICS
from app.terminology.definition import FHIR_VERSION, HL7, PUBLISHED, PUBLISHER, VERSION

SMART = "http://terminology.hl7.org/CodeSystem/restful-security-service"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4"
COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/patient"


@lru_cache(maxsize=4)
def capability_statement(base_url: str, *, cors: bool = False, most_deletes: int = 1) -> dict[str, Any]:
    """What the server at `base_url` can do: for pages of other origins, and by one conditional delete."""
    deletes = "multiple" if most_deletes > 1 else "single"
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base_url}/fhir/metadata",
        "version": VERSION,
        "name": "Hallpass",
        "title": "Hallpass",
        "status": "active",
        "experimental": False,
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "description": "An exchange between school districts and community providers, under signed releases.",
        "kind": "instance",
        "software": {"name": "Hallpass", "version": VERSION},
        "implementation": {"description": "Hallpass, a FHIR exchange under signed releases", "url": f"{base_url}/fhir"},
        "instantiates": [BACKPORT],
        "fhirVersion": FHIR_VERSION,
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/merge-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(base_url, cors=cors),
                "resource": [*(_resource(t, deletes) for t in REGISTRY), _ledger(), *map(_definitions, TYPES)],
                "interaction": [{"code": code} for code in _codes(OF_SYSTEM)],
                "operation": _operations(SYSTEM),
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
        "description": "SMART Backend Services: client_credentials with private_key_jwt. The endpoints are named by"
        f" {base_url}/fhir/.well-known/smart-configuration.",
    }


def _resource(declared: ResourceType, deletes: str) -> dict[str, Any]:
    parameters = list(PARAMETERS[declared.name].values())
    references = sorted(p.code for p in parameters if p.kind is ParamKind.REFERENCE)
    return {
        **_topics(declared.name),
        "type": declared.name,
        "profile": f"{HL7}/{declared.name}",
        **_profiles(declared.name),
        "interaction": [{"code": code} for code in _codes(OF_TYPES)],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": deletes,
        "referencePolicy": ["literal", "logical", "enforced", "local"],
        **_unless_empty("searchInclude", [f"{declared.name}:{code}" for code in references]),
        **_unless_empty("searchRevInclude", _reverse(declared.name)),
        "searchParam": [_parameter(p) for p in parameters],
        "operation": _operations(None, declared.name),
    }


def _operations(*types: str | None) -> list[dict[str, str]]:
    return [{"name": o.name, "definition": o.definition} for o in operations() if o.type in types]


def _profiles(name: str) -> dict[str, list[str]]:
    backport = [SUBSCRIPTION] if name == "Subscription" else []
    return _unless_empty("supportedProfile", [*(p.url for p in PROFILES if p.type == name), *backport])


def _topics(name: str) -> dict[str, list[dict[str, str]]]:
    """The topics that a Subscription can name, on its own type."""
    if name != "Subscription":
        return {}
    url = f"{PREFIX}capabilitystatement-subscriptiontopic-canonical"
    return {"extension": [{"url": url, "valueCanonical": topic.url} for topic in TOPICS]}


def _unless_empty(name: str, values: list[str]) -> dict[str, list[str]]:
    """The element; none for no values, since an array in FHIR is never empty."""
    return {name: values} if values else {}


def _ledger() -> dict[str, Any]:
    """AuditEvent: the ledger as FHIR, which only the server writes."""
    return {
        "type": "AuditEvent",
        "profile": f"{HL7}/AuditEvent",
        "interaction": [{"code": code} for code in _codes(OF_LEDGER)],
        "versioning": "no-version",
        "searchParam": [
            {"name": n, "definition": definition_of("AuditEvent", n), "type": kind, "documentation": t}
            for n, (kind, t) in LEDGER_PARAMETERS.items()
        ],
        "operation": [{"name": o.name, "definition": o.definition} for o in operations() if o.type == "AuditEvent"],
    }


def _definitions(name: str) -> dict[str, Any]:
    """A type of definitions: open to everybody, and written by nobody."""
    return {
        "type": name,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": [
            {"name": n, "definition": definition_of(name, n), "type": kind} for n, kind in SEARCHED.items()
        ],
    }


def _reverse(name: str) -> list[str]:
    """The references that lead to a type."""
    every = ((t.name, p) for t in REGISTRY for p in PARAMETERS[t.name].values())
    return sorted(f"{source}:{p.code}" for source, p in every if p.kind is ParamKind.REFERENCE and name in p.targets)


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found = {"name": parameter.code, "type": parameter.kind.value}
    if parameter.url:
        found["definition"] = parameter.url
    if parameter.modifiers:
        found["documentation"] = f"Modifiers: {', '.join(f':{m}' for m in sorted(parameter.modifiers))}"
    return found
