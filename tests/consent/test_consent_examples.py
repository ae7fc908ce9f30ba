"""docs/consent-examples.md: what comes of IHE PCF's and HL7 FAST's examples, and of forms. WRITE=1 writes it again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

import pytest

from app.consent import codes as c
from app.consent import fast
from app.consent.draft import draft
from app.consent.model import Provision, Release
from app.consent.parse import read
from app.consent.signing import ConsentContext
from app.fhir.dates import born

Json = dict[str, Any]
DATA = Path(__file__).parents[3] / "shared" / "data" / "consent"
PAGE = Path(__file__).parents[2] / "docs" / "consent-examples.md"
NOW = datetime(2026, 9, 20, tzinfo=UTC)
LEVELS = {v: k for k, v in c.CONFIDENTIALITY.items()}
HEAD = """# What comes of others' examples
Consents of IHE Privacy Consent on FHIR (PCF) 1.1.1 and of HL7 FAST Consent Management 1.0.0-ballot, and release forms:
what is missing for each to have effect, and what it would open if that were mended. A test holds this page to what the
code does (`tests/consent/test_consent_examples.py`). A Consent that is refused can be stored as a draft, which grants
nothing.

The references of an example are taken to lead to records of the network; a person is who the example says.

| example | outcome | what is missing | what it would open |
| --- | --- | --- | --- |
"""
FAST_EXAMPLE: Json = {
    "resourceType": "Consent",
    "extension": [{"url": fast.MANAGER, "valueReference": {"identifier": {"system": "npi", "value": "1234567893"}}}],
    "status": "active",
    "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
    "category": [{"coding": [{"system": c.ACT_CODE, "code": "INFA"}]}],
    "identifier": [{"system": "http://example.org/consent", "value": "33445522"}],
    "patient": {"identifier": {"system": "http://example.org/mrn", "value": "M1230041"}},
    "dateTime": "2024-01-01",
    "policyRule": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentpolicycodes", "code": "hipaa-auth"}]
    },
    "performer": [{"identifier": {"system": "http://example.org/mrn", "value": "M1230041"}}],
    "provision": {
        "type": "permit",
        "period": {"start": "2024-01-01"},
        "actor": [
            {
                "role": {"coding": [{"system": c.PARTICIPATION, "code": "IRCP"}]},
                "reference": {"reference": "Organization/ex-holy-healthcare"},
            }
        ],
    },
}
"""The guide's ConsentExample; its recipient is named by an NPI, which is looked up when it is filed."""


def named(reference: str) -> UUID:
    """The id that stands for an example's."""
    return uuid5(NAMESPACE_URL, reference)


def resolved(node: Any) -> Any:
    """The same with each reference one to a resource of this server."""
    if isinstance(node, list):
        return [resolved(v) for v in node]
    if not isinstance(node, dict):
        return node
    found = {k: resolved(v) for k, v in node.items()}
    if isinstance(found.get("reference"), str) and "/" in found["reference"]:
        kind = found["reference"].partition("/")[0]
        found["reference"] = f"{kind}/{named(found['reference'])}"
    return found


def judged(consent: Json, birth_date: str) -> tuple[list[str], Release | None]:
    """Where the gaps of a Consent are, and the release that it would be."""
    student = named(consent["patient"]["reference"])
    discloser = named(consent["organization"][0]["reference"])
    actors = consent.get("provision", {}).get("actor", [])
    organizations = {named(a["reference"]["reference"]) for a in actors if "reference" in a.get("reference", {})}
    context = ConsentContext(
        custodian=discloser,
        zone=ZoneInfo("America/New_York"),
        student=student,
        now=NOW,
        born=born(birth_date),
        organizations=frozenset(organizations | {discloser}),
    )
    found = read(resolved(consent), named("Consent"), 1, context)
    return sorted({str(m.expression) for m in found.missing}), found.draft


def opened(release: Release | None) -> str:
    """What a release would open, in words."""
    if release is None:
        return "not understood"
    return "; but ".join(said(p) for p in release.provisions)


def said(p: Provision) -> str:
    """A provision in words."""
    words = ["opens" if p.permit else "keeps"]
    words.append(", ".join(sorted(p.classes)) if p.classes else "every type")
    if p.labels is not None:
        words.append(f"up to {LEVELS[p.confidentiality]}" if p.confidentiality is not None else "")
        words.append(f"labeled {', '.join(sorted(p.labels))}" if p.labels else "")
    elif p.permit:
        words.append("without a label")
    data = sum(len(x) for x in (p.instances, p.related, p.dependents) if x)
    words.append(f"of {data} resources" if data else "")
    words.append("by one author" if p.authored else "")
    words.append("of a period" if p.about else "")
    words.append(f"for {', '.join(sorted(p.purposes))}" if p.purposes else "")
    words.append("to nobody" if p.permit and not p.recipients else "")
    return " ".join(w for w in words if w)


def rows() -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table."""
    birth_date = json.loads((DATA / "ihe-pcf" / "Patient-ex-patient.json").read_text())["birthDate"]
    for path in sorted((DATA / "ihe-pcf").glob("Consent-*.json")):
        missing, release = judged(json.loads(path.read_text()), birth_date)
        yield f"PCF {path.stem.removeprefix('Consent-ex-consent-')}", outcome(missing), listed(missing), opened(release)
    discloser = {"id": "ex-organization", "identifier": [{"system": "npi", "value": "1234567893"}]}
    refused = [str(i.expression) for i in fast.refusals(FAST_EXAMPLE, discloser)]
    people = dict.fromkeys(fast.keys(FAST_EXAMPLE), "Patient/ex-patient")
    ours = fast.ours(FAST_EXAMPLE, people, discloser, {"reference": "QuestionnaireResponse/ex-answers"})
    missing, release = judged(ours, "1990-01-01")
    yield "FAST ConsentExample", outcome(refused + missing), listed(refused + missing), opened(release)
    for path in sorted((DATA / "forms-made-here").glob("*.fields.json")):
        form = completed(json.loads(path.read_text()))
        found = draft(form, NOW)
        gaps = sorted(g.field for g in found.gaps)
        types = ", ".join(x["code"] for x in found.consent["provision"].get("class", [])) or "nothing"
        purposes = ", ".join(x["code"] for x in found.consent["provision"].get("purpose", [])) or "no purpose"
        yield (
            f"form {path.name.removesuffix('.fields.json')}",
            outcome(gaps),
            listed(gaps),
            f"opens {types} for {purposes}",
        )


def completed(form: Json) -> Json:
    """A form with the references that the office looks up."""
    kinds = {"student": "Patient", "signer": "RelatedPerson"}
    looked_up = {n: {**form[n], "reference": f"{k}/{named(n)}"} for n, k in kinds.items()}
    recipients = [{"name": n, "reference": f"Organization/{named(n)}"} for n in form["recipients"]]
    discloser = {"name": form["discloser"], "reference": f"Organization/{named('discloser')}"}
    return {**form, **looked_up, "recipients": recipients, "discloser": discloser}


def outcome(missing: list[str]) -> str:
    """Accepted or refused."""
    return "refused" if missing else "accepted"


def listed(missing: list[str]) -> str:
    """The elements, as the table has them."""
    return "<br>".join(f"`{m}`" for m in missing)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")
def test_the_table_of_examples_is_what_comes_of_them() -> None:
    page = HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())
    if os.environ.get("WRITE"):
        PAGE.write_text(page)
    assert page == PAGE.read_text()
