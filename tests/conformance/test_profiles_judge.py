"""How a resource is judged by a profile, beside the rules of each. https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.capability.catalog import search
from app.capability.judge import judge
from app.capability.profiles import PROFILES, Profile
from app.capability.profiling import issues, named
from app.errors import HallpassError
from tests.conformance.faults import samples

BY_NAME = {p.name: p for p in PROFILES}
REFERRAL, RELEASE, SERVICE, STUDENT = (BY_NAME[n] for n in ("referral", "release", "service", "student"))


def sample(profile: Profile, **more: Any) -> dict[str, Any]:
    return {**samples(profile)[0], **more}


def at(resource: dict[str, Any], profile: Profile, *, whole: bool = True) -> list[str | None]:
    return [i.expression for i in judge(resource, profile, whole=whole)]


def test_invariants_are_not_asked_of_what_does_not_keep_its_type() -> None:
    """They would find what is not there, or stumble over it."""
    endless = sample(SERVICE, period={"start": "2026-09-21"})
    assert at(endless, SERVICE) == ["Encounter"]
    assert at(endless, SERVICE, whole=False) == []
    lawless = sample(RELEASE, policy=[{"uri": "urn:test:law"}])
    assert at(lawless, RELEASE) == ["Consent.policy[0].uri"]
    assert at(lawless, RELEASE, whole=False) == []


@pytest.mark.parametrize("wrong", ["x", 1, None, [], {}, [None], ["x"], [{"coding": "x"}], {"reference": 1}])
@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_what_has_another_shape_than_its_type_says_is_judged_nonetheless(profile: Profile, wrong: Any) -> None:
    """The findings about its shape are the type's; these do not stumble."""
    for name in sample(profile):
        if name not in ("resourceType", "id"):
            judge(sample(profile, **{name: wrong}), profile, whole=False)


@pytest.mark.parametrize(
    ("subject", "fine"),
    [
        ({"reference": "Patient/1"}, True),
        ({"reference": "https://x.example/fhir/Patient/1"}, True),
        ({"reference": "urn:uuid:3f8e6f0a-1111-4111-8111-111111111111"}, True),
        ({"identifier": {"value": "1"}}, True),
        ({"identifier": {"value": "1"}, "type": "Patient"}, True),
        ({"identifier": {"value": "1"}, "type": "Group"}, False),
        ({"reference": "Group/1"}, False),
        ({"reference": "https://x.example/fhir/Group/1"}, False),
        ({"reference": "#p"}, True),
        ({"reference": "#g"}, False),
        ({"reference": "#nothing"}, True),
    ],
)
def test_a_reference_is_judged_by_the_type_that_it_leads_to(subject: dict[str, Any], fine: bool) -> None:
    """By what contained it names as well; where the type cannot be told, nothing is held against it."""
    contained = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}]
    found = at(sample(REFERRAL, subject=subject, contained=contained), REFERRAL)
    assert found == ([] if fine else ["ServiceRequest.subject.reference"])


def test_a_primitive_with_an_extension_is_judged_by_its_value() -> None:
    ours, others = samples(RELEASE)[0]["policy"][0]["uri"], "urn:test:law"
    beside = {"extension": [{"url": "urn:test", "valueString": "x"}]}
    for policy in ({"uri": ours, "_uri": beside}, {"_uri": beside, "uri": ours}):
        assert at(sample(RELEASE, policy=[policy]), RELEASE) == []
    assert at(sample(RELEASE, policy=[{"_uri": beside, "uri": others}]), RELEASE) == ["Consent.policy[0].uri"]


def test_a_primitive_with_an_extension_alone_is_there() -> None:
    student = sample(STUDENT, _birthDate={"extension": [{"url": "urn:test", "valueString": "unknown"}]})
    del student["birthDate"]
    assert at(student, STUDENT) == []


def test_a_preferred_binding_asks_for_nothing() -> None:
    assert at(sample(REFERRAL, category=[{"text": "Glasses"}]), REFERRAL) == []


@pytest.mark.parametrize(("version", "known"), [("", True), ("|0.1.0", True), ("|9.9", False)])
def test_a_profile_is_named_with_its_version_or_without(version: str, known: bool) -> None:
    url = f"{STUDENT.url}{version}"
    claiming = {"resourceType": "Patient", "meta": {"profile": [url]}}
    assert {i.severity for i in issues(claiming, [], whole=True)} == {"error" if known else "warning"}
    if known:
        assert named("Patient", url) == [STUDENT]
    else:
        with pytest.raises(HallpassError):
            named("Patient", url)


def test_a_claim_to_the_type_itself_is_no_claim() -> None:
    claiming = {"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}}
    assert issues(claiming, [], whole=True) == []


def test_the_name_of_a_definition_is_found_by_its_beginning() -> None:
    found = {d["id"] for d in search("ValueSet", {"name": "hallpassrelease"})}
    assert {"release-actor", "release-label"} <= found
    assert "regime" not in found
