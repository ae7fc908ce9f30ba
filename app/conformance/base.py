"""What every definition of the exchange says of itself. https://hl7.org/fhir/R4/resource.html#canonical"""

from __future__ import annotations

from typing import Any

from app.consent.codes import OURS

Json = dict[str, Any]
PUBLISHED = "2026-11-22"
VERSION = "0.1.0"
PUBLISHER = "Hallpass"
HL7 = "http://hl7.org/fhir/StructureDefinition"
FHIR_VERSION = "4.0.1"


def canonical(kind: str, name: str) -> str:
    """The canonical URL of a definition of ours."""
    return f"{OURS}/{kind}/{name}"


def definition(kind: str, name: str, title: str, description: str, /, **more: Any) -> Json:
    """A definition of a kind under a name (`grade-level`), which gives its id, its URL and its name in code."""
    return {
        "resourceType": kind,
        "id": name,
        "url": canonical(kind, name),
        "version": VERSION,
        "name": "Hallpass" + "".join(part.capitalize() for part in name.split("-")),
        "title": title,
        "status": "active",
        "experimental": False,
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "description": description,
        **more,
    }
