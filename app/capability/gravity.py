"""docs/gravity.md: what Gravity asks of a coordination platform, side by side with the CapabilityStatement.

https://hl7.org/fhir/us/sdoh-clinicalcare/CapabilityStatement-SDOHCC-CoordinationPlatform.html
"""

from __future__ import annotations

from typing import Any

from app.capability.statement import capability_statement

GUIDE = "https://hl7.org/fhir/us/sdoh-clinicalcare/CapabilityStatement-SDOHCC-CoordinationPlatform.html"
SHALL = (
    "CareTeam",
    "Condition",
    "Consent",
    "Device",
    "DocumentReference",
    "Goal",
    "Group",
    "HealthcareService",
    "Location",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "ServiceRequest",
    "Task",
)
"""The types that a platform SHALL have, each with read and the parameter _id."""
PARAMETERS = {"Condition": ("category", "patient"), "Consent": ("source-reference",)}
"""More parameters that it SHALL have."""
FORMATS = ("json", "xml")
HEAD = """# Gravity's coordination platform
Written by `hallpass export-reference` from the CapabilityStatement that is served; do not edit it. The guide is
[Gravity SDOH Clinical Care 3.0]({guide}).
Here are the types that its coordination platform SHALL have, with `read`, `_id`, and the search parameters of the types
that we compared one by one. The profiles are compared in [differences.md](differences.md).

| the platform SHALL have | here |
| --- | --- |
"""


def rows(statement: dict[str, Any]) -> list[tuple[str, bool]]:
    """Each thing that is asked for, and whether a CapabilityStatement has it."""
    rest = statement["rest"][0]
    stated = {r["type"]: r for r in rest["resource"]}
    found = [(f"`{name}`", any(name in str(f) for f in statement["format"])) for name in FORMATS]
    services = [c.get("code") for s in rest["security"].get("service", ()) for c in s.get("coding", ())]
    found.append(("SMART on FHIR", "SMART-on-FHIR" in services))
    for name in SHALL:
        resource = stated.get(name, {})
        codes = {i["code"] for i in resource.get("interaction", ())}
        searched = {p["name"] for p in resource.get("searchParam", ())}
        found.append((f"`{name}` read", "read" in codes))
        found += [(f"`{name}` search by `{p}`", p in searched) for p in ("_id", *PARAMETERS.get(name, ()))]
    return found


def gravity(base_url: str = "https://hallpass.example") -> str:
    """The whole page."""
    lines = [f"| {asked} | {'yes' if had else '**no**'} |" for asked, had in rows(capability_statement(base_url))]
    return HEAD.format(guide=GUIDE) + "\n".join(lines) + "\n"
