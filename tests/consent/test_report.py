"""Explanations and previews as FHIR Parameters. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from app.consent.evaluate import Basis, Deny, Effect, Permit, TraceEntry
from app.consent.model import ResourceAttributes
from app.consent.report import Outcome, explanation, preview_report
from app.errors import Issue

ONE, OTHER, ROI = (UUID(int=n) for n in (1, 2, 3))
FACTS = ResourceAttributes(ONE, "Encounter", OTHER, OTHER, False)


def part(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """A parameter of parts."""
    return {"name": name, "part": list(parts)}


def told(*parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters."""
    return {"resourceType": "Parameters", "parameter": list(parameters)}


RECORD = {"name": "resource", "valueReference": {"reference": f"Encounter/{ONE}"}}
CONSENT = {"name": "consent", "valueReference": {"reference": f"Consent/{ROI}"}}


def test_a_permit_names_its_basis_the_version_of_the_consent_and_what_was_weighed() -> None:
    """A Consent as a whole has no provision; a provision is told by its number."""
    trace = (TraceEntry(ROI, None, Effect.PERMIT, "why"), TraceEntry(ROI, 0, Effect.SILENT, "because"))
    assert explanation([(FACTS, Permit(Basis.RELEASE, ROI, 4, trace))]) == told(
        part(
            "record",
            RECORD,
            {"name": "decision", "valueCode": "permit"},
            {"name": "basis", "valueCode": "release"},
            {"name": "consent", "valueReference": {"reference": f"Consent/{ROI}/_history/4"}},
            part("weighed", CONSENT, {"name": "said", "valueCode": "permit"}, {"name": "why", "valueString": "why"}),
            part(
                "weighed",
                CONSENT,
                {"name": "provision", "valueInteger": 0},
                {"name": "said", "valueCode": "silent"},
                {"name": "why", "valueString": "because"},
            ),
        )
    )


def test_a_permit_without_a_release_cites_none_and_a_denial_says_why() -> None:
    """Each record has its own part."""
    assert explanation([(FACTS, Permit(Basis.CUSTODY)), (FACTS, Deny("no"))]) == told(
        part(
            "record",
            RECORD,
            {"name": "decision", "valueCode": "permit"},
            {"name": "basis", "valueCode": "custody"},
        ),
        part("record", RECORD, {"name": "decision", "valueCode": "deny"}, {"name": "why", "valueString": "no"}),
    )


def test_where_there_is_nothing_to_tell_there_is_no_parameter() -> None:
    """An empty list is not FHIR."""
    assert explanation([]) == {"resourceType": "Parameters"}
    assert preview_report((), {}) == {"resourceType": "Parameters"}


def test_a_preview_tells_what_is_missing_and_by_recipient_what_opens_and_what_not() -> None:
    """By type, in one order whatever was counted first; a gap that is nowhere has no expression."""
    counts = Counter({("Patient", True, ""): 1, ("Encounter", False, "no"): 2, ("Encounter", True, ""): 3})
    assert preview_report((Issue("gap", "Consent.policy"), Issue("another")), {ONE: Outcome(counts)}) == told(
        part(
            "missing",
            {"name": "text", "valueString": "gap"},
            {"name": "expression", "valueString": "Consent.policy"},
        ),
        part("missing", {"name": "text", "valueString": "another"}),
        part(
            "recipient",
            {"name": "organization", "valueReference": {"reference": f"Organization/{ONE}"}},
            part(
                "keeps",
                {"name": "type", "valueCode": "Encounter"},
                {"name": "count", "valueInteger": 2},
                {"name": "why", "valueString": "no"},
            ),
            part("opens", {"name": "type", "valueCode": "Encounter"}, {"name": "count", "valueInteger": 3}),
            part("opens", {"name": "type", "valueCode": "Patient"}, {"name": "count", "valueInteger": 1}),
        ),
    )
