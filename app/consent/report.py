"""Explanations and previews as FHIR Parameters. Pure. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.consent.evaluate import Deny, Permit, TraceEntry
from app.consent.model import ResourceAttributes
from app.consent.recipients import BY_ID
from app.errors import Issue


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a draft would open to a recipient: by type, whether, and why not. `unusable`: purposes that it names, and
    that no client of the recipient's may assert."""

    counts: Counter[tuple[str, bool, str]]
    unusable: frozenset[str] = frozenset()


Outcomes = dict[UUID, Outcome]


def explanation(results: list[tuple[ResourceAttributes, Permit | Deny]]) -> dict[str, Any]:
    """For each record: the decision, on what it rests, and each Consent and provision that was weighed."""
    return _parameters([_part("record", *_record(attributes, decision)) for attributes, decision in results])


def preview_report(missing: tuple[Issue, ...], outcomes: Outcomes) -> dict[str, Any]:
    """What is missing for a Consent to be active, and by recipient what it would open and what not, and why."""
    parts = [_part("missing", *_missing(missing_requirement)) for missing_requirement in missing]
    for recipient, outcome in outcomes.items():
        kind = BY_ID.get(recipient)
        rows = [_code("class", kind.code) if kind else _reference("organization", f"Organization/{recipient}")]
        for (type_name, opened, why), count in sorted(outcome.counts.items()):
            row = [_code("type", type_name), {"name": "count", "valueInteger": count}]
            rows.append(_part("opens", *row) if opened else _part("keeps", *row, _text("why", why)))
        for purpose in sorted(outcome.unusable):
            text = f"No client of theirs asserts the purpose {purpose}. Ask them which they use."
            rows.append(_text("warning", text))
        parts.append(_part("recipient", *rows))
    return _parameters(parts)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A referral whose provider does not see it, with what there is on the way to a release, and why it is not seen."""

    referral: UUID
    tasks: tuple[str, ...]
    provider: UUID
    since: str | None
    ended: tuple[str, ...]
    drafts: tuple[tuple[str, tuple[Issue, ...]], ...]
    why: Deny


def waiting_report(waiting: list[Waiting]) -> dict[str, Any]:
    """For each referral that waits for a release: its provider, its Tasks, and what is missing."""
    return _parameters([_part("referral", *_waiting(w)) for w in waiting])


def _waiting(w: Waiting) -> list[dict[str, Any]]:
    parts = [_reference("request", f"ServiceRequest/{w.referral}")]
    parts += [_reference("task", f"Task/{task}") for task in w.tasks]
    parts.append(_reference("provider", f"Organization/{w.provider}"))
    parts += [{"name": "since", "valueDateTime": w.since}] if w.since else []
    parts += [_reference("ended", f"Consent/{consent}") for consent in w.ended]
    for consent, issues in w.drafts:
        gaps = [_part("missing", *_missing(issue)) for issue in issues]
        parts.append(_part("draft", _reference("consent", f"Consent/{consent}"), *gaps))
    return [*parts, _text("why", w.why.why), *(_part("weighed", *_trace_entry(t)) for t in w.why.trace)]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line of a bulk export that was left out as it was fetched, and what is decided of it today."""

    type: str
    id: UUID
    version: int
    recipient: UUID
    at: str
    purposes: tuple[str, ...]
    today: Permit | Deny


def withheld_report(left_out: list[LeftOut]) -> dict[str, Any]:
    """For each line that was left out: the record, who fetched when and for what, and why it is not seen today."""
    return _parameters([_part("withheld", *_left_out(line)) for line in left_out])


def _left_out(line: LeftOut) -> list[dict[str, Any]]:
    parts = [_reference("resource", f"{line.type}/{line.id}/_history/{line.version}")]
    parts += [_reference("recipient", f"Organization/{line.recipient}"), {"name": "at", "valueInstant": line.at}]
    parts += [_code("purpose", purpose) for purpose in line.purposes]
    return parts + _decision(line.today)


def _record(attributes: ResourceAttributes, decision: Permit | Deny) -> list[dict[str, Any]]:
    return [_reference("resource", f"{attributes.type}/{attributes.id}"), *_decision(decision)]


def _decision(decision: Permit | Deny) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
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
