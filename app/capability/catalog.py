"""Every definition that the server serves, found by id or by canonical URL.

https://hl7.org/fhir/R4/resource.html#canonical — ours, and HL7's of what the CapabilityStatement names. None of them
holds anything of a student.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from app.capability.guide import implementation_guide
from app.capability.hl7 import definitions
from app.capability.operations import operation_definitions
from app.capability.searching import search_parameters
from app.capability.snapshot import structures
from app.terminology.code_systems import code_systems
from app.terminology.concept_map import concept_maps
from app.terminology.definition import Json
from app.terminology.value_sets import value_sets

TYPES = (
    "StructureDefinition",
    "CodeSystem",
    "ValueSet",
    "ConceptMap",
    "OperationDefinition",
    "SearchParameter",
    "CompartmentDefinition",
    "ImplementationGuide",
)
"""The types of definitions, in the order in which documents list them."""


@cache
def ours() -> tuple[Json, ...]:
    """Every definition of the exchange's own, with the guide to them at the end."""
    found = (
        *structures(),
        *code_systems(),
        *value_sets(),
        *concept_maps(),
        *operation_definitions(),
        *search_parameters(),
    )
    return (*found, implementation_guide(found, examples()))


@cache
def _by_place() -> dict[tuple[str, str], Json]:
    return {(d["resourceType"], d["id"]): d for d in (*ours(), *definitions().values())}


def find(kind: str, id: str) -> Json | None:
    """The definition of a type under an id."""
    return _by_place().get((kind, id))


def search(kind: str, wanted: dict[str, str]) -> list[Json]:
    """The definitions of a type with the values wanted by names of SEARCHED; commas are OR, `url|version` is a URL."""
    return [d for (own, _), d in _by_place().items() if own == kind and all(_has(d, *w) for w in wanted.items())]


def resolve(url: str) -> Json | None:
    """The definition under a canonical URL, with or without a version."""
    return next((d for d in _by_place().values() if _is(d, url)), None)


def _has(found: Json, name: str, value: str) -> bool:
    return any(_matches(found, name, v) for v in value.split(","))


def _matches(found: Json, name: str, value: str) -> bool:
    """Whether a definition has a value: a URL with or without a version, the beginning of a name, or just that."""
    if name == "url":
        return _is(found, value)
    if name == "name":
        return str(found.get(name, "")).casefold().startswith(value.casefold())
    return bool(found.get(name.removeprefix("_")) == value)


def _is(found: Json, canonical: str) -> bool:
    url, _, version = canonical.partition("|")
    return found["url"] == url and version in ("", found.get("version"))


@cache
def examples() -> tuple[Json, ...]:
    """An example of each profile, with the organizations that they name."""
    folder = files("app.capability.examples")
    found = sorted(f.name for f in folder.iterdir() if f.name.endswith(".json"))
    return tuple(json.loads(folder.joinpath(name).read_text(encoding="utf-8")) for name in found)
