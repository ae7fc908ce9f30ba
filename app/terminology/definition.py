"""What every definition of the exchange says of itself. https://hl7.org/fhir/R4/resource.html#canonical"""

from __future__ import annotations

from html import escape
from typing import Any

from app.consent.codes import OURS

Json = dict[str, Any]
PUBLISHED = "2026-11-22"
VERSION = "0.1.0"
PUBLISHER = "Hallpass"
PACKAGE = "hallpass.fhir"
SUBJECT = "Profiles, extensions and codes of an exchange between school districts and their providers."
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
        "text": narrative(title, description),
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


def narrative(title: str, description: str) -> Json:
    """What a person reads of a definition. https://hl7.org/fhir/R4/narrative.html"""
    told = f"<p><b>{escape(title)}</b></p><p>{escape(description)}</p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'}
