"""Who of a family may be contacted, and how: contact data that may not be used leaves its custodian with nobody. Pure.

https://hl7.org/fhir/R4/datatypes.html#ContactPoint — a person without a mark may be contacted in every way. One under a
contact restriction, or with a mark that is not understood, in none. What is withheld is not searched by either.
"""

from __future__ import annotations

from typing import Any

from app.consent.codes import CONTACT_PERMISSION, CONTACT_RESTRICTION
from app.resources.paths import values

CALL, WRITE, NONE = "call", "write", "none"
PERSONS = frozenset({"Patient", "RelatedPerson"})
CALLED = frozenset({"phone", "pager"})
"""The systems of a ContactPoint by which somebody is called; by all others one writes."""
PROHIBITED = "contacting-subject-prohibited"
"""In `ServiceRequest.orderDetail`: the provider answers the requester, and does not contact the family.

https://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem-SDOHCC-CodeSystemTemporaryCodes.html"""
MARKS = (CONTACT_PERMISSION, CONTACT_RESTRICTION)
_IN_BYTES = tuple(url.encode() for url in MARKS)
_VALUES = frozenset({"valueContactPoint", "valueAddress", "valueContactDetail"})
"""An extension that holds contact data has it in one of these."""
_DATA = ("telecom", "_telecom", "address", "_address")
Json = dict[str, Any]


def is_marked(body: bytes) -> bool:
    """Whether a resource may hold contact data that may not be used, as its bytes say at once."""
    return any(mark in body for mark in _IN_BYTES)


def usable(content: Json, *, none: bool = False) -> Json:
    """A resource without the contact data that may not be used; itself, where there is none. `none`: without any."""
    kept = dict(content)
    if content.get("resourceType") in PERSONS:
        kept = _person(kept, none=none)
        if "contact" in kept:
            kept["contact"] = [c for contact in kept["contact"] if (c := _person(contact, none=none)).keys() - {"id"}]
            if not kept["contact"]:
                del kept["contact"]
    if "contained" in kept:
        kept["contained"] = [usable(c, none=none) for c in kept["contained"]]
    if kept == content:
        return content
    return {k: v for k, v in kept.items() if k != "text"}


def _person(node: Json, *, none: bool) -> Json:
    """One person, without the contact data that may not be used. A contact point's rank says which one is preferred."""
    ways = frozenset() if none else _ways(node)
    if ways >= {CALL, WRITE}:
        return node
    kept: Json = {k: v for k, v in node.items() if k not in _DATA}
    if extensions := [e for e in kept.pop("extension", []) if not _has_contact_data(e)]:
        kept["extension"] = extensions
    points = [t for t in node.get("telecom", []) if (CALL if t.get("system") in CALLED else WRITE) in ways]
    if points:
        kept["telecom"] = points
    if WRITE in ways and "address" in node:
        kept["address"] = node["address"]
    return kept


def _has_contact_data(extension: Json) -> bool:
    return bool(extension.keys() & _VALUES) or any(map(_has_contact_data, values(extension, "extension")))


def _ways(node: Json) -> frozenset[str]:
    found = values(node, "extension")
    if any(e.get("url") == CONTACT_RESTRICTION and e.get("valueBoolean") is not False for e in found):
        return frozenset()
    said = {e.get("valueCode") for e in found if e.get("url") == CONTACT_PERMISSION}
    if not said:
        return frozenset({CALL, WRITE})
    return frozenset(said) if said <= {CALL, WRITE} else frozenset()


def prohibits(request: Json) -> bool:
    """Whether a referral says that its subject must not be contacted."""
    return PROHIBITED in values(request, "orderDetail.coding.code")


def kept(content: Json, before: Json) -> Json:
    """A resource as a source system pushes it, with what a person said about contacts where the push is silent.

    Who lifts it says so: with another mark of that kind on a person, or by a patch, as on a referral.
    """
    if content.get("resourceType") in PERSONS:
        return _with_marks(content, before)
    if prohibits(before) and not prohibits(content):
        lost = [d for d in before["orderDetail"] if PROHIBITED in values(d, "coding.code")]
        return {**content, "orderDetail": [*content.get("orderDetail", []), *lost]}
    return content


def _with_marks(content: Json, before: Json) -> Json:
    """A person and those in `contact`, each with the marks that it had, where it has none of that kind now."""
    kept = _marked(content, before)
    earlier = values(before, "contact")
    if isinstance(content.get("contact"), list) and earlier:
        kept = {**kept, "contact": [_marked(c, *_who_was(c, earlier)) for c in content["contact"]]}
    return kept


def _marked(person: Json, *before: Json) -> Json:
    said = {e.get("url") for e in values(person, "extension")}
    had = [e for b in before for e in values(b, "extension") if e.get("url") in MARKS and e["url"] not in said]
    lost = [e for n, e in enumerate(had) if e not in had[:n]]
    return {**person, "extension": [*person.get("extension", []), *lost]} if lost else person


def _who_was(contact: Json, earlier: list[Json]) -> list[Json]:
    """An element of `contact` before: of the same name, else with the same number. They have no ids."""
    named = [b for b in earlier if "name" in b and b["name"] == contact.get("name")]
    points = set(values(contact, "telecom.value"))
    return named or [b for b in earlier if points & set(values(b, "telecom.value"))]
