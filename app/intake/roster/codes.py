"""Codes that every reader writes, and the extensions that they go into. Pure tables.
https://hl7.org/fhir/us/core/STU6.1/
"""

from __future__ import annotations

from collections.abc import Sequence

from app.intake.roster.units import Json

ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RACE_AND_ETHNICITY = "urn:oid:2.16.840.1.113883.6.238"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
GRADE_LEVEL = "https://hallpass.example/fhir/StructureDefinition/grade-level"
ETHNICITY = {
    True: (RACE_AND_ETHNICITY, "2135-2", "Hispanic or Latino"),
    False: (RACE_AND_ETHNICITY, "2186-5", "Non Hispanic or Latino"),
}


def us_core(name: str, codings: Sequence[tuple[str, str, str]], text: str) -> list[Json]:
    """A us-core extension with its categories and the text that it must have."""
    if not text:
        return []
    categories: list[Json] = [
        {"url": "ombCategory", "valueCoding": {"system": system, "code": code, "display": display}}
        for system, code, display in codings
    ]
    parts = [*categories, {"url": "text", "valueString": text}]
    return [{"url": f"{US_CORE}/us-core-{name}", "extension": parts}]
