"""A Consent out of the fields of a signed form, with an explanation of each gap. Pure.

https://hl7.org/fhir/R4/consent.html — the words of a form (records, purpose) are read by the tables below; what they do
not know is a gap, never a guess. The law's own gaps come from app/consent/parse.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from app.consent import codes as c
from app.consent.parse import read
from app.consent.regimes import REGIMES
from app.consent.signing import ConsentContext
from app.fhir.dates import BEGINNING, END, born
from app.resources.refs import local_id

Json = dict[str, Any]
_PEOPLE = ("student", "signer", "discloser", "recipients")
_SAID = ("regime", "records", "labels", "purpose", "begin", "end", "evidence", "expect")
FIELDS = frozenset({*_PEOPLE, *_SAID})
"""What a form may say. `expect` is for whoever keeps forms to test with."""
LAWS = {"99.30": "FERPA", "164.508": "HIPAA", "part 2": "42CFRPART2", "2.31": "42CFRPART2"}
RECORDS = {
    "attendance": "Observation",
    "contact": "RelatedPerson",
    "demographic": "Patient",
    "document": "DocumentReference",
    "plan": "DocumentReference",
    "referral": "ServiceRequest",
    "screening": "QuestionnaireResponse",
    "service": "Encounter",
    "visit": "Encounter",
}
"""Words of forms, and the type of record that each means."""
PURPOSES = {
    "care management": "CAREMGT",
    "coordination": "COC",
    "operation": "HOPERAT",
    "payment": "HPAYMT",
    "treatment": "TREAT",
}
"""Words of forms, and the code of v3-ActReason that each means."""
_NOBODY = UUID("00000000-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Gap:
    """What the form lacks: where, and what to do."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Drafted:
    """A Consent as far as the form goes, and what keeps it from being active."""

    consent: Json
    gaps: tuple[Gap, ...]


def draft(form: Json, now: datetime | None = None) -> Drafted:
    """The Consent that a form's fields make. Dates are taken in UTC, since a form names no time zone."""
    gaps = [Gap(name, "Unknown field. Use one of: " + ", ".join(sorted(FIELDS)) + ".") for name in form.keys() - FIELDS]
    references = _references(form, gaps)
    consent = _consent(form, references, gaps)
    context = _context(form, references, now or datetime.now(UTC))
    law = read(_judged(consent, references), uuid5(_NOBODY, "consent"), 1, context)
    known = {g.field.partition("[")[0] for g in gaps}
    for issue in law.missing:
        field = _field(str(issue.expression))
        if field not in known:
            gaps.append(Gap(field, issue.text))
    return Drafted({**consent, "status": "draft" if gaps else "active"}, tuple(gaps))


def _consent(form: Json, references: dict[str, Json], gaps: list[Gap]) -> Json:
    regime = str(form.get("regime", "")).lower()
    codes = {code for text, code in LAWS.items() if text in regime}
    signer = _part(form, "signer")
    found: Json = {
        "resourceType": "Consent",
        "status": "draft",
        "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": references["student"],
        "performer": [references["signer"]],
        "organization": [references["discloser"]],
        "policy": [{"uri": r.policy_uris[0]} for r in REGIMES if r.code.upper() in codes],
    }
    if signer.get("signedOn"):
        found["dateTime"] = str(signer["signedOn"])
    if form.get("evidence") or signer.get("signature"):
        title = form.get("evidence") or f"Release signed by {signer.get('name', 'the signer')}"
        found["sourceAttachment"] = {"contentType": "application/pdf", "title": str(title)}
    return {k: v for k, v in found.items() if v != []} | {"provision": _provision(form, references, gaps)}


def _provision(form: Json, references: dict[str, Json], gaps: list[Gap]) -> Json:
    role = {"coding": [{"system": c.PARTICIPATION, "code": "IRCP"}]}
    actors = [{"role": role, "reference": r} for n, r in references.items() if n.startswith("recipients")]
    period = {k: str(form[f]) for k, f in (("start", "begin"), ("end", "end")) if form.get(f)}
    labels = [{"system": _system(str(x)), "code": str(x)} for x in form.get("labels", [])]
    found: Json = {
        "type": "permit",
        "period": period,
        "actor": actors,
        "securityLabel": labels,
        "purpose": [{"system": c.ACT_REASON, "code": p} for p in _purposes(form, gaps)],
        "class": [{"system": c.RESOURCE_TYPES, "code": t} for t in _types(form, gaps)],
    }
    return {k: v for k, v in found.items() if v not in ([], {})}


def _types(form: Json, gaps: list[Gap]) -> list[str]:
    """The types of the records that a form lists."""
    found: list[str] = []
    for i, words in enumerate(form.get("records", [])):
        text = str(words).lower()
        types = [words] if words in c.TYPE_NAMES else [t for w, t in RECORDS.items() if w in text]
        if not types:
            known = ", ".join(sorted(RECORDS))
            told = (
                "Say which records: all of them is not specific (34 CFR 99.30(b)(1))." if "all" in text.split() else ""
            )
            gaps.append(Gap(f"records[{i}]", told or f"Unknown kind of record. Use one of: {known}; or a FHIR type."))
        found += [t for t in types if t not in found]
    return found


def _purposes(form: Json, gaps: list[Gap]) -> list[str]:
    text = str(form.get("purpose", ""))
    found = [text] if text in c.PURPOSES else [p for w, p in PURPOSES.items() if w in text.lower()]
    if text and not found:
        gaps.append(
            Gap("purpose", f"Unknown purpose. Use one of: {', '.join(sorted(PURPOSES))}; or a code of v3-ActReason.")
        )
    return found


def _references(form: Json, gaps: list[Gap]) -> dict[str, Json]:
    """What each who is named is known by; one without a reference is a gap."""
    found = {"student": _one(form.get("student"), "student", "Patient", gaps)}
    own = _part(form, "signer").get("capacity") == "student"
    found["signer"] = found["student"] if own else _one(form.get("signer"), "signer", "RelatedPerson", gaps)
    found["discloser"] = _one(form.get("discloser"), "discloser", "Organization", gaps)
    for i, named in enumerate(form.get("recipients", [])):
        found[f"recipients[{i}]"] = _one(named, f"recipients[{i}]", "Organization", gaps)
    return found


def _one(named: Any, field: str, kind: str, gaps: list[Gap]) -> Json:
    """A Reference: the field's own, or with its name alone, which is a gap."""
    part = named if isinstance(named, dict) else {"name": named} if named else {}
    name = {"display": str(part["name"])} if part.get("name") else {}
    reference = part.get("reference")
    if local_id({"reference": reference}, kind) is not None:
        return {"reference": reference, **name}
    how = "search the server by its identifier" if kind == "Patient" else "search the server by its name"
    gaps.append(Gap(field, f"Give its reference, {kind}/[id]: {how}."))
    return name


def _context(form: Json, references: dict[str, Json], now: datetime) -> ConsentContext:
    """What the form itself says of those whom it names: a parent or guardian has authority by its own word."""
    ids = {n: _id(n, r) for n, r in references.items()}
    day = _part(form, "student").get("birthDate")
    parent = _part(form, "signer").get("capacity") in ("parent", "guardian")
    return ConsentContext(
        custodian=ids["discloser"],
        zone=ZoneInfo("UTC"),
        student=ids["student"],
        now=now,
        born=born(str(day)) if day else None,
        authorities={ids["signer"]: (BEGINNING, END)} if parent else {},
        related=frozenset({ids["signer"]}) if parent else frozenset(),
        organizations=frozenset(i for n, i in ids.items() if n.startswith("recipients")),
    )


def _judged(consent: Json, references: dict[str, Json]) -> Json:
    """The same with a stand-in for each reference that is not known yet: the law's gaps are told apart from these."""
    kinds = {"student": "Patient", "signer": "RelatedPerson", "discloser": "Organization"}
    full = {n: {"reference": f"{kinds.get(n, 'Organization')}/{_id(n, r)}"} for n, r in references.items()}
    full["signer"] = full["student"] if references["signer"] is references["student"] else full["signer"]
    actors = [a | {"reference": full[f"recipients[{i}]"]} for i, a in enumerate(consent["provision"].get("actor", []))]
    provision = consent["provision"] | ({"actor": actors} if actors else {})
    people = {"patient": full["student"], "performer": [full["signer"]], "organization": [full["discloser"]]}
    return {**consent, "status": "active", "provision": provision, **people}


def _id(name: str, reference: Json) -> UUID:
    return local_id(reference) or uuid5(_NOBODY, name)


def _field(expression: str) -> str:
    """The field of a form behind an element of a Consent."""
    table = {
        "Consent.policy": "regime",
        "Consent.dateTime": "signer.signedOn",
        "Consent.source": "evidence",
        "Consent.performer": "signer",
        "Consent.organization": "discloser",
        "Consent.provision.actor": "recipients",
        "Consent.provision.purpose": "purpose",
        "Consent.provision.period": "end",
        "Consent.provision.securityLabel": "labels",
        "Consent.provision": "records",
    }
    return next((f for path, f in table.items() if expression.startswith(path)), expression)


def _part(form: Json, name: str) -> Json:
    found = form.get(name)
    return found if isinstance(found, dict) else {}


def _system(label: str) -> str:
    return c.CONFIDENTIALITY_SYSTEM if label in c.CONFIDENTIALITY else c.ACT_CODE
