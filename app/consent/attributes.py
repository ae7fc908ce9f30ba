"""The facts that consent is judged by, read off a resource version by its type's declaration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent import codes as c
from app.consent.model import ResourceAttributes, Window
from app.fhir.dates import interval, of
from app.fhir.json import dump
from app.resources import TYPES, ResourceType, Visibility
from app.resources.paths import first, values
from app.resources.refs import local_id, local_targets, nodes, parse_local

INLINE_LABEL = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"


def resource_attributes(
    declared: ResourceType,
    resource: dict[str, Any],
    own_id: UUID,
    custodian: UUID,
    zone: ZoneInfo,
    before: dict[str, Any] | None = None,
) -> ResourceAttributes:
    """The attributes of one version; `before` is the version that it supersedes. Dates are in the custodian's zone.

    A Consent that was never active is its writer's alone: those whom it names are no parties.
    """
    confidentiality, labels = _labels(declared, resource)
    own = {k: v for k, v in resource.items() if k not in declared.party_writes}
    return ResourceAttributes(
        id=own_id,
        type=declared.name,
        custodian=custodian,
        student=student_of(declared, resource, own_id),
        directory=declared.visibility is Visibility.DIRECTORY,
        profiles=frozenset(values(resource, "meta.profile")),
        codes=frozenset(code for path in declared.codes for code in _codes(values(resource, path))),
        confidentiality=confidentiality,
        labels=labels,
        parties=frozenset(
            target[1]
            for text in _parties(declared, resource, before or {})
            if (target := parse_local(text))
            if target[0] in MEMBERS
        ),
        refs=frozenset(target for _, target in local_targets(own)),
        authors=frozenset(i for path in declared.authors for r in values(resource, path) if (i := local_id(r))),
        clinical=_clinical(declared, resource, zone),
        timeless=not declared.clinical_date,
    )


MEMBERS = frozenset({"Organization"})


def _parties(declared: ResourceType, resource: dict[str, Any], before: dict[str, Any]) -> list[str]:
    if declared.name == "Consent" and "active" not in (resource.get("status"), before.get("status")):
        return []
    return declared.parties(resource)


def student_of(declared: ResourceType, resource: dict[str, Any], own_id: UUID) -> UUID | None:
    """The student in whose compartment a resource lies; None outside, or where the element names no one Patient."""
    found = students_of(declared, resource, own_id)
    return next(iter(found)) if len(found) == 1 else None


def students_of(declared: ResourceType, resource: dict[str, Any], own_id: UUID) -> set[UUID]:
    """The students that a resource names where its type says its student. A meeting may name several."""
    if declared.student is None:
        return set()
    if declared.student == "id":
        return {own_id}
    return {i for r in values(resource, declared.student) if (i := local_id(r, "Patient"))}


def _codes(found: list[Any]) -> list[str]:
    codings = [coding for value in found for coding in (values(value, "coding") or [value])]
    return [f"{x.get('system', '')}|{x['code']}" for x in codings if isinstance(x, dict) and x.get("code")]


def referrers(records: Iterable[ResourceAttributes]) -> dict[UUID, tuple[ResourceAttributes, ...]]:
    """By what is referred to: those of these records by which a Binary may be seen."""
    found: dict[UUID, tuple[ResourceAttributes, ...]] = {}
    for f in records:
        declared = TYPES[f.type]
        if f.student is not None and not declared.by_referrers and not declared.party_writes:
            for target in f.refs:
                found[target] = (*found.get(target, ()), f)
    return found


def labels_of(declared: ResourceType, resource: dict[str, Any]) -> frozenset[str]:
    """The labels of a resource that a release must name, wherever they stand in it."""
    return _labels(declared, resource)[1]


def labels_within(*resources: dict[str, Any]) -> list[dict[str, Any]]:
    """The labels that what is made of resources has: of each as a whole, and of its elements; each once."""
    found = [label for r in resources for label in (*values(r, "meta.security"), *_inline(r))]
    return list({dump(label): label for label in found}.values())


def _labels(declared: ResourceType, resource: dict[str, Any]) -> tuple[int, frozenset[str]]:
    """The highest confidentiality, and the labels that a release must name; one not understood is not nameable."""
    levels: list[int] = []
    labels: set[str] = set()
    stated = values(resource, "meta.security")
    for path in declared.labels:
        stated += [coding for concept in values(resource, path) for coding in values(concept, "coding") or [{}]]
    stated += _inline(resource)
    for coding in stated:
        system, code = coding.get("system", ""), coding.get("code", "")
        if system == c.CONFIDENTIALITY_SYSTEM:
            levels.append(c.CONFIDENTIALITY.get(code, c.NOT_UNDERSTOOD))
        elif (system == c.ACT_CODE and code in c.SENSITIVITY | c.PRIVACY_LAWS) or (
            system == c.WHO_SIGNS and code in (c.MINOR_SIGNS, c.BOTH_SIGN)
        ):
            labels.add(code)
        elif not (system == c.ACT_CODE and code in c.HANDLING) and system != OBSERVATION_VALUE:
            labels.add(f"{system}|{code}")
    return max(levels, default=c.NORMAL), frozenset(labels)


def _inline(node: Any) -> Iterator[dict[str, Any]]:
    """The labels within a resource: it counts as having each of them, whether it is marked as having some or not.

    https://hl7.org/fhir/uv/security-label-ds4p/inline_security_labels.html
    """
    return (at.get("valueCoding", {}) for at in nodes(node) if at.get("url") == INLINE_LABEL)


def _clinical(declared: ResourceType, resource: dict[str, Any], zone: ZoneInfo) -> Window | None:
    """From the first of the declared elements that says a time; an open end counts as the start's.

    One that ends before it starts says nothing. Nor does one of a choice that is no time: an age, a text.
    """
    for path in declared.clinical_date:
        value = first(resource, path)
        if not _is_time(value):
            continue
        if isinstance(value, dict) and "start" in value and "end" not in value:
            value = value["start"]
        found = of(value, zone)
        return (found.lower, found.upper) if found.lower < found.upper else None
    return None


def _is_time(value: Any) -> bool:
    """Whether a value is a date, a moment, a Period or a Timing. Of a choice, the names of its types do not tell."""
    if isinstance(value, dict):
        return not value.keys() & {"value", "unit", "low", "high"}
    try:
        return isinstance(value, str) and interval(value, UTC) is not None
    except ValueError:
        return False
