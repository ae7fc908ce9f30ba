"""The ImplementationGuide: what the package holds, and which profile each example shows.

https://hl7.org/fhir/R4/implementationguide.html
"""

from __future__ import annotations

from collections.abc import Iterable

from app.terminology.definition import FHIR_VERSION, PACKAGE, SUBJECT, Json, definition


def implementation_guide(definitions: Iterable[Json], examples: Iterable[Json]) -> Json:
    """The guide to the definitions and examples of the exchange."""
    return definition(
        "ImplementationGuide",
        "hallpass",
        "Hallpass",
        SUBJECT,
        name="Hallpass",
        packageId=PACKAGE,
        fhirVersion=[FHIR_VERSION],
        definition={"resource": [*map(_definition, definitions), *map(_example, examples)]},
    )


def _definition(found: Json) -> Json:
    named = {"name": found.get("title", found["name"]), "description": found["description"]}
    return {**_reference(found), **named, "exampleBoolean": False}


def _example(found: Json) -> Json:
    claimed = found.get("meta", {}).get("profile")
    return {**_reference(found), **({"exampleCanonical": claimed[0]} if claimed else {"exampleBoolean": True})}


def _reference(found: Json) -> Json:
    return {"reference": {"reference": f"{found['resourceType']}/{found['id']}"}}
