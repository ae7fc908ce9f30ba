"""One fault anywhere in an otherwise valid resource is refused at its element, whatever the type.

https://hl7.org/fhir/R4/validation.html — what could be wrong is read from HL7's StructureDefinitions, which the
validation of types does not use; the resources are the specification's examples where they are at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.capability.hl7 import structure
from app.fhir.validation.validate import issues
from app.resources import TYPES
from tests.fhir.samples import examples, sample

Json = dict[str, Any]
DATES = frozenset({"date", "dateTime", "instant"})
OPEN = ("/mimetypes", "/resource-types")
"""Value sets that are not listed in full, and so are not enforced."""
WITHOUT_EXTENSIONS = frozenset({"Binary"})
"""Types that are no DomainResource: neither a narrative nor an extension stands in them."""
NONSENSE = "zzz-nonsense"
BACKWARDS = {"start": "2024-05-02", "end": "2024-05-01"}
PREFIX = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True)
class Element:
    """An element of a resource as HL7 defines it, where one stands or could stand."""

    parent: str
    """The FHIRPath of the object that it is in."""
    steps: tuple[str | int, ...]
    """The way to that object."""
    key: str
    label: str
    definition: Any

    @property
    def path(self) -> str:
        """Its FHIRPath, without an index."""
        return f"{self.parent}.{self.label}"


@cache
def bases(name: str) -> tuple[Json, ...]:
    """The resources of a type that are made faulty."""
    return (sample(name), *(r for _, r in examples(name)))


def elements(resource: Json) -> Iterator[Element]:
    """Each element that the resource's own objects have, in groups of any depth, and each that they lack."""
    name = resource["resourceType"]
    yield from _of(name, name, name, resource, ())


def _of(name: str, at: str, path: str, node: Json, steps: tuple[str | int, ...]) -> Iterator[Element]:
    for definition in structure(name)["snapshot"]["element"]:
        parent, _, label = definition["path"].rpartition(".")
        if parent != path or "sliceName" in definition:
            continue
        stem = label.removesuffix("[x]")
        keys = [
            k for k in node if k == stem or (label.endswith("[x]") and k.startswith(stem) and k[len(stem)].isupper())
        ]
        yield Element(at, steps, keys[0] if keys else stem, stem, definition)
        if not keys or [t["code"] for t in definition.get("type", ())] not in (["BackboneElement"], ["Element"]):
            continue
        below = node[keys[0]]
        for i, one in enumerate(below if isinstance(below, list) else [below]):
            many = isinstance(below, list)
            where = f"{at}.{stem}[{i}]" if many else f"{at}.{stem}"
            yield from _of(name, where, definition["path"], one, (*steps, keys[0], *([i] if many else [])))


def holder(resource: Json, element: Element) -> Json:
    """The object that an element is in."""
    found: Any = resource
    for step in element.steps:
        found = found[step]
    assert isinstance(found, dict)
    return found


def types(element: Element) -> list[Json]:
    """The types that the element may have."""
    found: list[Json] = element.definition.get("type", [])
    return found


def codes(element: Element) -> list[str]:
    return [t["code"] for t in types(element)]


def put(resource: Json, element: Element, value: Any) -> str:
    """Give an element a value, in an array where it repeats; answer where it stands."""
    many = element.definition["base"]["max"] != "1"
    holder(resource, element)[element.key] = [value] if many else value
    return f"{element.path}[0]" if many else element.path


def unknown(resource: Json, element: Element) -> str | None:
    holder(resource, element)["zzz"] = True
    return f"{element.parent}.zzz"


def missing(resource: Json, element: Element) -> str | None:
    held = holder(resource, element)
    if element.definition["min"] < 1 or element.key not in held or len(held) == 1:
        return None
    del held[element.key]
    return element.path


def code(resource: Json, element: Element) -> str | None:
    binding = element.definition.get("binding", {})
    if codes(element) != ["code"] or binding.get("strength") != "required" or element.label == "language":
        return None
    if binding["valueSet"].partition("|")[0].endswith(OPEN):
        return None
    return put(resource, element, NONSENSE)


def date(resource: Json, element: Element) -> str | None:
    if len(codes(element)) != 1 or codes(element)[0] not in DATES:
        return None
    return put(resource, element, "2024-02-30")


def reference(resource: Json, element: Element) -> str | None:
    targets = [p.removeprefix(PREFIX) for t in types(element) for p in t.get("targetProfile", ())]
    if codes(element) != ["Reference"] or "Resource" in targets or not targets:
        return None
    other = next(t for t in ("Binary", "Device") if t not in targets)
    return f"{put(resource, element, {'reference': f'{other}/1'})}.reference"


def invariant(resource: Json, element: Element) -> str | None:
    return put(resource, element, dict(BACKWARDS)) if codes(element) == ["Period"] else None


def shape(resource: Json, element: Element) -> str | None:
    if codes(element) == ["boolean"]:
        return put(resource, element, "true")
    return put(resource, element, NONSENSE) if codes(element) == ["CodeableConcept"] else None


FAULTS = {f.__name__: f for f in (unknown, missing, code, date, reference, invariant, shape)}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
EVERYWHERE: dict[str, tuple[str, Any, str]] = {
    "missing": ("extension", [{"valueString": "x"}], "extension[0].url"),
    "code": ("text", {"status": NONSENSE, "div": DIV}, "text.status"),
    "date": ("meta", {"lastUpdated": "2024-02-30T10:00:00Z"}, "meta.lastUpdated"),
    "reference": (
        "extension",
        [{"url": "urn:test", "valueReference": {"reference": "Zzz/1"}}],
        "extension[0].value.reference",
    ),
    "invariant": ("extension", [{"url": "urn:test"}], "extension[0]"),
}
"""Faults that every type has room for: an element of the resource, its value, and where the fault is found."""


def faulty(resource: Json, element: Element | None, kind: str) -> tuple[Json, str] | None:
    """A copy with the fault, and the FHIRPath at which it must be found; no element: one that every type has."""
    copy = deepcopy(resource)
    if element is None:
        key, value, where = EVERYWHERE[kind]
        copy[key] = value
        return copy, f"{copy['resourceType']}.{where}"
    at = FAULTS[kind](copy, element)
    return (copy, at) if at else None


@cache
def places(name: str, kind: str) -> list[tuple[int, Element | None]]:
    """Every resource of a type, by its number, with every element of it that the fault can be put into."""
    found: list[tuple[int, Element | None]] = [
        (number, element)
        for number, base in enumerate(bases(name))
        for element in elements(base)
        if faulty(base, element, kind)
    ]
    everywhere = kind in EVERYWHERE and (name not in WITHOUT_EXTENSIONS or EVERYWHERE[kind][0] == "meta")
    return found + ([(0, None)] if everywhere else [])


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", sorted(TYPES))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_fault_is_found_at_its_element(name: str, kind: str, data: st.DataObject) -> None:
    found = places(name, kind)
    if not found:
        return  # the type has no such element
    number, element = found[data.draw(st.integers(0, len(found) - 1))]
    made = faulty(bases(name)[number], element, kind)
    assert made is not None
    resource, where = made
    assert where in {i.expression for i in issues(name, resource)}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_without_a_fault_there_is_no_finding(name: str) -> None:
    for resource in bases(name):
        assert issues(name, resource) == []
