"""The invariants of the definitions. https://hl7.org/fhir/R4/conformance-rules.html#constraints"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir.validation.invariants import INVARIANTS, broken

UCUM = "http://unitsofmeasure.org"
SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"


def scope(code: str, system: str = SCOPES) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


KEPT: list[tuple[str, dict[str, Any]]] = [
    ("Age", {"value": 4, "code": "a", "system": UCUM}),
    ("Age", {"extension": [{}]}),
    ("Attachment", {"data": "QQ==", "contentType": "text/plain"}),
    ("Attachment", {"url": "x"}),
    ("CareTeamParticipant", {"member": {"reference": "Practitioner/x"}, "onBehalfOf": {}}),
    ("CareTeamParticipant", {"member": {"reference": "Patient/x"}}),
    ("QuestionnaireItemEnableWhen", {"operator": "exists", "answerBoolean": True}),
    ("QuestionnaireItemEnableWhen", {"operator": "=", "answerString": "x"}),
    ("Consent", {"policyRule": {}, "scope": scope("treatment"), "patient": {}}),
    ("Consent", {"policy": [{}], "scope": scope("treatment", "http://example.org")}),
    ("Consent", {"policy": [{}], "scope": scope("other")}),
    ("ContactPoint", {"value": "x", "system": "phone"}),
    ("ContactPoint", {"value": "x", "_system": {"extension": []}}),
    ("ContactPoint", {"system": "phone"}),
    ("Count", {"value": 3, "code": "1", "system": UCUM}),
    ("Count", {"value": Decimal("3.0"), "code": "1", "system": UCUM}),
    ("Distance", {"value": 3, "code": "m", "system": UCUM}),
    ("Duration", {"value": 3, "code": "min", "system": UCUM}),
    ("Duration", {"value": 3, "unit": "minutes"}),
    ("Expression", {"expression": "x"}),
    ("Expression", {"reference": "x"}),
    ("Extension", {"url": "u", "valueString": "x"}),
    ("Extension", {"url": "u", "extension": [{}]}),
    ("Group", {"actual": True, "member": [{}]}),
    ("Group", {"actual": False}),
    ("Organization", {"name": "x"}),
    ("Organization", {"identifier": [{}], "address": [{"use": "work"}], "telecom": [{"use": "work"}]}),
    ("PatientContact", {"organization": {}}),
    ("PatientContact", {"telecom": [{}], "gender": "male"}),
    ("Period", {"start": "2024-01-08", "end": "2024-01-08"}),
    ("Period", {"start": "2024-06", "end": "2024"}),
    ("Period", {"start": "2024", "end": "2024-06"}),
    ("Period", {"start": "2024"}),
    ("Period", {"end": "2024"}),
    ("Period", {"start": "2024-01-08T10:00:00-05:00", "end": "2024-01-08T15:00:00Z"}),
    ("Quantity", {"value": 3, "unit": "x"}),
    ("Quantity", {"code": "min", "system": UCUM}),
    ("Range", {"low": {"value": 1}, "high": {"value": Decimal("1.0")}}),
    ("Range", {"low": {"value": 60, "unit": "min"}, "high": {"value": 1, "unit": "h"}}),
    ("Range", {"low": {"value": 3}}),
    ("Ratio", {"numerator": {}, "denominator": {}}),
    ("Ratio", {"extension": [{}]}),
    ("ServiceRequest", {"code": {}, "orderDetail": [{}]}),
    ("ServiceRequest", {}),
    ("Task", {"authoredOn": "2024-01-08", "lastModified": "2024-01-08"}),
    ("Task", {"lastModified": "2024"}),
    ("TimingRepeat", {"duration": 0, "durationUnit": "h", "durationMax": 1}),
    ("TimingRepeat", {"period": 0, "periodUnit": "d", "periodMax": 1}),
    ("TimingRepeat", {"count": 1, "countMax": 2, "offset": 3, "when": ["ACM"]}),
    ("TimingRepeat", {"timeOfDay": ["10:00:00"]}),
]  # fmt: skip
BROKEN: list[tuple[str, dict[str, Any], set[str]]] = [
    ("Age", {"value": 4}, {"age-1"}),
    ("Age", {"value": 0, "code": "a", "system": UCUM}, {"age-1"}),
    ("Age", {"value": 4, "code": "a", "system": "x"}, {"age-1"}),
    ("Age", {"value": 4, "code": "a"}, {"qty-3"}),
    ("Attachment", {"data": "QQ=="}, {"att-1"}),
    ("CareTeamParticipant", {"member": {"reference": "Patient/x"}, "onBehalfOf": {}}, {"ctm-1"}),
    ("QuestionnaireItemEnableWhen", {"operator": "exists", "answerString": "x"}, {"que-7"}),
    ("Consent", {"patient": {}}, {"ppc-1"}),
    ("Consent", {"policy": [{}], "scope": scope("patient-privacy")}, {"ppc-2"}),
    ("Consent", {"policy": [{}], "scope": scope("research")}, {"ppc-3"}),
    ("Consent", {"policy": [{}], "scope": scope("adr")}, {"ppc-4"}),
    ("Consent", {"policy": [{}], "scope": scope("treatment")}, {"ppc-5"}),
    ("ContactPoint", {"value": "x"}, {"cpt-2"}),
    ("Count", {"value": 3, "system": UCUM}, {"cnt-3"}),
    ("Count", {"value": 3, "code": "2", "system": UCUM}, {"cnt-3"}),
    ("Count", {"value": Decimal("3.5"), "code": "1", "system": UCUM}, {"cnt-3"}),
    ("Count", {"value": 3, "code": "1"}, {"qty-3"}),
    ("Distance", {"value": 3}, {"dis-1"}),
    ("Distance", {"value": 3, "code": "m"}, {"qty-3"}),
    ("Duration", {"value": 3, "code": "min"}, {"drt-1", "qty-3"}),
    ("Duration", {"code": "min", "system": UCUM}, {"drt-1"}),
    ("Expression", {"language": "x"}, {"exp-1"}),
    ("Extension", {"url": "u"}, {"ext-1"}),
    ("Extension", {"url": "u", "valueString": "x", "extension": [{}]}, {"ext-1"}),
    ("Group", {"actual": False, "member": [{}]}, {"grp-1"}),
    ("Organization", {"active": True}, {"org-1"}),
    ("Organization", {"name": "x", "address": [{"use": "work"}, {"use": "home"}]}, {"org-2"}),
    ("Organization", {"name": "x", "telecom": [{"use": "home"}]}, {"org-3"}),
    ("PatientContact", {"gender": "male"}, {"pat-1"}),
    ("Period", {"start": "2024-01-09", "end": "2024-01-08"}, {"per-1"}),
    ("Period", {"start": "2025", "end": "2024-12"}, {"per-1"}),
    ("Period", {"start": "2024-01-09", "end": "2024-01-08T22:00:00-04:00"}, {"per-1"}),
    ("Period", {"start": "2024-01-09T01:00:00+09:00", "end": "2024-01-08"}, {"per-1"}),
    ("Period", {"start": "2024", "end": "2023-12-31T23:00:00-10:00"}, {"per-1"}),
    ("Quantity", {"value": 3, "code": "min"}, {"qty-3"}),
    ("Range", {"low": {"value": 2}, "high": {"value": 1}}, {"rng-2"}),
    ("Ratio", {"numerator": {}}, {"rat-1"}),
    ("Ratio", {"denominator": {}, "extension": [{}]}, {"rat-1"}),
    ("Ratio", {"id": "x"}, {"rat-1"}),
    ("ServiceRequest", {"orderDetail": [{}]}, {"prr-1"}),
    ("Task", {"authoredOn": "2024-01-08", "lastModified": "2024-01-07"}, {"inv-1"}),
    ("TimingRepeat", {"duration": 1}, {"tim-1"}),
    ("TimingRepeat", {"period": 1}, {"tim-2"}),
    ("TimingRepeat", {"duration": -1, "durationUnit": "h"}, {"tim-4"}),
    ("TimingRepeat", {"period": Decimal("-0.1"), "periodUnit": "h"}, {"tim-5"}),
    ("TimingRepeat", {"periodMax": 1}, {"tim-6"}),
    ("TimingRepeat", {"durationMax": 1}, {"tim-7"}),
    ("TimingRepeat", {"countMax": 1}, {"tim-8"}),
    ("TimingRepeat", {"offset": 1}, {"tim-9"}),
    ("TimingRepeat", {"offset": 1, "when": ["ACM", "CV"]}, {"tim-9"}),
    ("TimingRepeat", {"timeOfDay": ["10:00:00"], "when": ["ACM"]}, {"tim-10"}),
]  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("2024-13-01") | st.just("home"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["value", "use", "coding", "code"]), inner)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(sorted({name for _, node, *_ in [*KEPT, *BROKEN] for name in node}))


@pytest.mark.parametrize(("type_name", "node"), KEPT)
def test_what_keeps_the_invariants_has_no_finding(type_name: str, node: dict[str, Any]) -> None:
    assert broken(type_name, node) == []


@pytest.mark.parametrize(("type_name", "node", "keys"), BROKEN)
def test_what_breaks_an_invariant_is_found_by_its_key(type_name: str, node: dict[str, Any], keys: set[str]) -> None:
    assert {rule.key for rule in broken(type_name, node)} == keys


def test_each_invariant_is_broken_by_a_case() -> None:
    tried = {(type_name, key) for type_name, _, keys in BROKEN for key in keys}
    assert tried == {(type_name, rule.key) for type_name, rules in INVARIANTS.items() for rule in rules}


@given(st.sampled_from(sorted(INVARIANTS)), st.dictionaries(NAMES, JUNK, max_size=5))
def test_a_malformed_object_is_judged_without_an_error(type_name: str, node: dict[str, Any]) -> None:
    broken(type_name, node)
