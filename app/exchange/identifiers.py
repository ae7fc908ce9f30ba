"""References of a Consent by an identifier alone, resolved when it is written: to exactly one resource, or not at all.

https://hl7.org/fhir/R4/references.html#logical — a student or a RelatedPerson is found inside the caller's custody, an
organization by an identifier that the operator verified. What stays unresolved is a gap of the Consent.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from app.consent.recipients import named_class
from app.db import read as store
from app.exchange.validated import Validated
from app.resources import ResourceType
from app.resources.paths import first, values
from app.session import Session

_PEOPLE = ("Patient", "RelatedPerson")
_ORGANIZATION = ("Organization",)
Logical = tuple[dict[str, Any], tuple[str, ...]]
"""A Reference element without a reference, and the types that it may lead to."""


async def resolve(session: Session, declared: ResourceType, validated: Validated) -> dict[str, Any]:
    """The content, with a reference beside each identifier that leads to exactly one resource."""
    content = validated.content
    if declared.name != "Consent" or not any(True for _ in _logical(content)):
        return content
    resolved = deepcopy(content)
    for reference, types in _logical(resolved):
        system, value = reference["identifier"]["system"], reference["identifier"]["value"]
        by_operator = types == _ORGANIZATION
        found = await store.identified(session.connection, types, system, value, by_operator=by_operator)
        if len(found) == 1:
            reference["reference"] = found[0]
    return resolved


def _logical(consent: dict[str, Any]) -> Iterator[Logical]:
    """The patient, the signers, the discloser and the actors at any depth, of those that only an identifier names."""
    places = [("patient", ("Patient",)), ("performer", _PEOPLE), ("organization", _ORGANIZATION)]
    found = [(r, types) for path, types in places for r in values(consent, path)]
    waiting = values(consent, "provision")
    while waiting:
        provision = waiting.pop()
        waiting.extend(values(provision, "provision"))
        found += [(r, _ORGANIZATION) for r in values(provision, "actor.reference")]
    for reference, types in found:
        stated = first(reference, "identifier.system"), first(reference, "identifier.value")
        if "reference" not in reference and all(stated) and named_class(reference) is None:
            yield reference, types
