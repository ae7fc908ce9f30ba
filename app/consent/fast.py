"""HL7 FAST Consent Management's Consent and ours, each from the other. Pure.

https://hl7.org/fhir/us/consent-management/ (1.0.0-ballot). There the discloser is R5's controller and `organization` is
not used; people are known by identifiers; the source is a document or the answers to a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import Issue
from app.resources.paths import values

Json = dict[str, Any]
Key = tuple[str, str]
"""System and value of an identifier."""

R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent."
CONTROLLER, MANAGER, GRANTEE = (f"{R5}{name}" for name in ("controller", "manager", "grantee"))
PROFILE = "http://hl7.org/fhir/us/consent-management/StructureDefinition/FASTConsent"
_WITHOUT_PLACE = {GRANTEE: "Name who receives as an actor of the provision, with role IRCP."}


def keys(consent: Json) -> dict[str, Key]:
    """Where a person is named by an identifier alone, and by which: the patient and those who signed."""
    found: dict[str, Key] = {}
    for path, reference in _people(consent):
        identifier = reference.get("identifier")
        if "reference" not in reference and isinstance(identifier, dict):
            found[path] = (str(identifier.get("system", "")), str(identifier.get("value", "")))
    return found


def refusals(consent: Json, discloser: Json) -> list[Issue]:
    """What of a Consent of theirs has no place in ours. `discloser`: the caller's Organization, as stored."""
    found: list[Issue] = []
    if consent.get("status") not in ("active", "inactive"):
        found.append(Issue("A Consent of FAST is active, or inactive once it is revoked.", "Consent.status", "value"))
    if consent.get("status") == "inactive":
        text = "A Consent is filed as active. To end one, use $revokeConsent."
        found.append(Issue(text, "Consent.status", "business-rule"))
    if "organization" in consent:
        text = "FAST does not use this element. Name the discloser as the controller, or leave it to the server."
        found.append(Issue(text, "Consent.organization", "not-supported"))
    if "sourceAttachment" in consent:
        text = "FAST takes the evidence as the parameter document: a DocumentReference or a QuestionnaireResponse."
        found.append(Issue(text, "Consent.sourceAttachment", "not-supported"))
    for i, extension in enumerate(values(consent, "extension")):
        url = extension.get("url")
        if url in _WITHOUT_PLACE:
            found.append(Issue(_WITHOUT_PLACE[url], f"Consent.extension[{i}]", "not-supported"))
        if url == CONTROLLER and not _is(extension.get("valueReference", {}), discloser):
            text = "The controller must be your own organization: a release opens what its writer holds."
            found.append(Issue(text, f"Consent.extension[{i}].valueReference", "business-rule"))
    return found


def ours(consent: Json, people: Mapping[str, str], discloser: Json, source: Json) -> Json:
    """Our Consent out of theirs: `people` are the references by the places that `keys` named."""
    found = {k: v for k, v in consent.items() if k not in ("organization", "sourceReference", "id")}
    found["organization"] = [{"reference": f"Organization/{discloser['id']}"}]
    found["sourceReference"] = source
    if "patient" in consent:
        found["patient"] = _named("Consent.patient", consent["patient"], people)
    if "performer" in consent:
        listed = enumerate(values(consent, "performer"))
        found["performer"] = [_named(f"Consent.performer[{i}]", p, people) for i, p in listed]
    return found


def theirs(consent: Json, identifiers: Mapping[str, Json]) -> Json:
    """Their Consent out of ours: `identifiers` by reference, for what they know by an identifier."""
    found = {k: v for k, v in consent.items() if k != "organization"}
    own = [e for e in values(consent, "extension") if e.get("url") != CONTROLLER]
    for reference in values(consent, "organization"):
        own.append({"url": CONTROLLER, "valueReference": _identified(reference, identifiers)})
    found["extension"] = own
    if "identifier" not in consent:
        found["identifier"] = [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{consent['id']}"}]
    for element in ("patient", "performer"):
        if element in consent:
            stated = values(consent, element)
            told = [_identified(r, identifiers) for r in stated]
            found[element] = told if element == "performer" else told[0]
    meta = dict(consent.get("meta", {}))
    meta["profile"] = [*(p for p in meta.get("profile", []) if p != PROFILE), PROFILE]
    return {**found, "meta": meta}


def references(consent: Json) -> list[str]:
    """What `theirs` would know an identifier of."""
    named = [r for element in ("patient", "performer", "organization") for r in values(consent, element)]
    return [str(r["reference"]) for r in named if "reference" in r]


def _people(consent: Json) -> list[tuple[str, Json]]:
    found = [("Consent.patient", p) for p in values(consent, "patient")]
    found += [(f"Consent.performer[{i}]", p) for i, p in enumerate(values(consent, "performer"))]
    return [(path, p) for path, p in found if isinstance(p, dict)]


def _named(path: str, reference: Json, people: Mapping[str, str]) -> Json:
    return {**reference, "reference": people[path]} if path in people else reference


def _identified(reference: Json, identifiers: Mapping[str, Json]) -> Json:
    own = identifiers.get(str(reference.get("reference")))
    return {**reference, "identifier": own} if own and "identifier" not in reference else reference


def _is(reference: Json, organization: Json) -> bool:
    """Whether a reference names this organization, literally or by one of its identifiers."""
    if reference.get("reference") is not None:
        return bool(reference["reference"] == f"Organization/{organization['id']}")
    identifier = reference.get("identifier", {})
    key = (identifier.get("system"), identifier.get("value"))
    return any((i.get("system"), i.get("value")) == key for i in values(organization, "identifier"))
