"""docs/gravity.md: what Gravity asks of a coordination platform, side by side with the CapabilityStatement.

https://hl7.org/fhir/us/sdoh-clinicalcare/CapabilityStatement-SDOHCC-CoordinationPlatform.html
"""

from __future__ import annotations

from typing import Any

from app.capability.statement import capability_statement

GUIDE = "https://hl7.org/fhir/us/sdoh-clinicalcare/CapabilityStatement-SDOHCC-CoordinationPlatform.html"
READ, FOUND = ("read",), ("read", "search-type")
WRITTEN = ("create", "update", *FOUND)
SHALL: dict[str, tuple[tuple[str, ...], str, str]] = {
    "CareTeam": (READ, "_id", ""),
    "Condition": (FOUND, "_id category patient", ""),
    "Consent": (FOUND, "_id source-reference", ""),
    "Device": (READ, "_id", ""),
    "DocumentReference": (("create", *FOUND), "_id", ""),
    "Goal": (FOUND, "_id category patient", ""),
    "Group": (FOUND, "_id characteristic member", "Group:member"),
    "HealthcareService": (READ, "_id location", "HealthcareService:location"),
    "Location": (READ, "_id", ""),
    "Observation": (FOUND, "_id category patient status", ""),
    "Organization": (READ, "_id", ""),
    "Patient": (FOUND, "_id", ""),
    "Practitioner": (FOUND, "_id", ""),
    "PractitionerRole": (FOUND, "_id", ""),
    "Procedure": (WRITTEN, "_id based-on category patient performer status", ""),
    "Questionnaire": (READ, "url version", ""),
    "QuestionnaireResponse": (READ, "_id author patient questionnaire status", ""),
    "RelatedPerson": (READ, "_id", ""),
    "ServiceRequest": (FOUND, "_id category intent patient status", ""),
    "Task": (WRITTEN, "_id code patient requester status focus", "Task:focus Task:output"),
}
"""What the server's part of its statement says SHALL: interactions, search parameters, what is included."""
SDOH = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-"
PROFILES: dict[str, tuple[str, ...]] = {
    "CareTeam": (f"{CORE}careteam",),
    "Condition": (f"{SDOH}Condition",),
    "Consent": (f"{SDOH}Consent",),
    "DocumentReference": (f"{CORE}documentreference",),
    "Goal": (f"{SDOH}Goal",),
    "Group": (f"{SDOH}Group",),
    "HealthcareService": (f"{SDOH}HealthcareService",),
    "Location": (f"{SDOH}Location",),
    "Observation": (f"{SDOH}ObservationAssessment", f"{SDOH}ObservationScreeningResponse"),
    "Organization": (f"{CORE}organization",),
    "Patient": (f"{CORE}patient",),
    "Practitioner": (f"{CORE}practitioner",),
    "PractitionerRole": (f"{SDOH}practitionerrole",),
    "Procedure": (f"{SDOH}Procedure",),
    "Questionnaire": (f"{SDC}questionnaire-extr-smap",),
    "QuestionnaireResponse": (f"{SDC}questionnaireresponse",),
    "ServiceRequest": (f"{SDOH}ServiceRequest",),
    "Task": (f"{SDOH}TaskForPatient", f"{SDOH}TaskForReferralManagement"),
}
"""The profiles that it SHALL support. Of Device and RelatedPerson they are R4's own."""
FORMATS = ("json", "xml")
HEAD = """# Gravity's coordination platform
Written by `hallpass export-reference` from the CapabilityStatement that is served; do not edit it. The guide is
[Gravity SDOH Clinical Care 3.0]({guide}).
Here is all that its coordination platform SHALL have as a server: formats, interactions, search parameters, what is
included, and profiles.

What is not had: the server does not say `supportedProfile` of another guide's profiles, since it does not judge by
them. A resource that keeps one is stored and served as it came, which is tested with the guide's examples; where our
own rules ask for more or less is in [differences.md](differences.md). Answers are extracted by observations, not by
a StructureMap.

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
    for name, (interactions, searched, included) in SHALL.items():
        resource = stated.get(name, {})
        codes = {i["code"] for i in resource.get("interaction", ())}
        parameters = {p["name"] for p in resource.get("searchParam", ())}
        found += [(f"`{name}` {code}", code in codes) for code in interactions]
        found += [(f"`{name}` search by `{p}`", p in parameters) for p in searched.split()]
        found += [(f"`_include={i}`", i in resource.get("searchInclude", ())) for i in included.split()]
        supported = resource.get("supportedProfile", ())
        found += [(f"`{name}` profile `{p.rpartition('/')[2]}`", p in supported) for p in PROFILES.get(name, ())]
    return found


def gravity(base_url: str = "https://hallpass.example") -> str:
    """The whole page."""
    lines = [f"| {asked} | {'yes' if had else '**no**'} |" for asked, had in rows(capability_statement(base_url))]
    return HEAD.format(guide=GUIDE) + "\n".join(lines) + "\n"
