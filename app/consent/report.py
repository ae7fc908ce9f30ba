"""Explanations and previews as FHIR Parameters. Pure. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from app.consent.evaluate import Deny, Permit, TraceEntry
from app.consent.model import ResourceAttributes
from app.errors import Issue

Outcomes = dict[UUID, Counter[tuple[str, bool, str]]]


def explanation(results: list[tuple[ResourceAttributes, Permit | Deny]]) -> dict[str, Any]:
    """For each record: the decision, on what it rests, and each Consent and provision that was weighed."""
    return _parameters([_part("record", *_record(attributes, decision)) for attributes, decision in results])


def preview_report(missing: tuple[Issue, ...], outcomes: Outcomes) -> dict[str, Any]:
    """What is missing for a Consent to be active, and by recipient what it would open and what not, and why."""
    parts = [_part("missing", *_missing(missing_requirement)) for missing_requirement in missing]
    for recipient, counts in outcomes.items():
        rows = [_reference("organization", f"Organization/{recipient}")]
        for (type_name, opened, why), count in sorted(counts.items()):
            row = [_code("type", type_name), {"name": "count", "valueInteger": count}]
            rows.append(_part("opens", *row) if opened else _part("keeps", *row, _text("why", why)))
        parts.append(_part("recipient", *rows))
    return _parameters(parts)


def _record(attributes: ResourceAttributes, decision: Permit | Deny) -> list[dict[str, Any]]:
    parts = [_reference("resource", f"{attributes.type}/{attributes.id}")]
    if isinstance(decision, Permit):
        parts += [_code("decision", "permit"), _code("basis", decision.basis.value)]
        if decision.consent:
            parts.append(_reference("consent", f"Consent/{decision.consent}/_history/{decision.version}"))
    else:
        parts += [_code("decision", "deny"), _text("why", decision.why)]
    return parts + [_part("weighed", *_trace_entry(w)) for w in decision.trace]


def _trace_entry(w: TraceEntry) -> list[dict[str, Any]]:
    parts = [_reference("consent", f"Consent/{w.consent}")]
    if w.node is not None:
        parts.append({"name": "provision", "valueInteger": w.node})
    return [*parts, _code("said", w.effect.value), _text("why", w.why)]


def _missing(missing_requirement: Issue) -> list[dict[str, Any]]:
    parts = [_text("text", missing_requirement.text)]
    return [*parts, _text("expression", missing_requirement.expression)] if missing_requirement.expression else parts


def _parameters(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": parts} if parts else {"resourceType": "Parameters"}


def _part(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "part": list(parts)}


def _reference(name: str, reference: str) -> dict[str, Any]:
    return {"name": name, "valueReference": {"reference": reference}}


def _code(name: str, code: str) -> dict[str, Any]:
    return {"name": name, "valueCode": code}


def _text(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "valueString": text}
