"""From a Consent to the release it is, or to its gaps. test_completeness.py asks the same of the server.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import CONSENT_POLICY, SIGNATURE_ASKED
from app.consent.parse import ParsedConsent
from app.consent.regimes import REGIMES, Element
from tests.consent.complete import complete, furnish
from tests.consent.language import load
from tests.consent.pure_cases import OnPaper, stage

Spec = dict[str, Any]
TOLD = load("completeness.yaml")
EVERY = [r.code for r in REGIMES]
RULES = {r.code: r.requires for r in REGIMES}


@pytest_asyncio.fixture
async def on() -> OnPaper:
    """A student with a mother, an aunt, a visit and an earlier release."""
    found = stage()
    await furnish(found)
    return found


def missing(found: ParsedConsent) -> list[str]:
    """Where the gaps are, each told in a sentence and with its code; with one there is no release."""
    assert (found.release is None) == bool(found.missing)
    for missing_requirement in found.missing:
        assert re.fullmatch("(?!None)[A-Z][a-z' ].*[.)]", missing_requirement.text)
        assert not missing_requirement.text.isupper()
        assert missing_requirement.code in ("required", "value", "business-rule", "not-supported")
    return sorted(str(missing_requirement.expression) for missing_requirement in found.missing)


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("row", TOLD["table"], ids=lambda row: row["row"])
def test_each_row_is_asked_for_by_its_regimes_and_by_no_other(on: OnPaper, row: Spec, law: str) -> None:
    """And the gap is told under its rule and no other."""
    found = on.comes_to(complete([law]) | row["without"])
    assert missing(found) == ([row["at"]] if law in row["regimes"] else [])
    for missing_requirement in found.missing:
        assert missing_requirement.code == "required"
        assert missing_requirement.text.endswith(f"({RULES[law][Element(row['row'])]})")


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("enough", TOLD["enough"], ids=lambda e: e["says"])
def test_what_is_asked_for_can_be_said_in_several_ways(on: OnPaper, enough: Spec, law: str) -> None:
    """Each way closes the gap."""
    assert missing(on.comes_to(complete([law]) | enough["with"])) == []


@pytest.mark.parametrize("wrong", TOLD["wrong"], ids=lambda w: w["what"])
def test_what_is_not_understood_is_a_gap_where_it_is(on: OnPaper, wrong: Spec) -> None:
    """And no release."""
    assert missing(on.comes_to(complete(["FERPA"]) | wrong["with"])) == sorted(wrong.get("read", wrong["at"]))


def test_with_gaps_that_can_be_mended_there_is_a_draft(on: OnPaper) -> None:
    """What the Consent would be; as if the student had signed from birth where nobody who may has signed."""
    found = on.comes_to(complete(["FERPA"], signer=["aunt"]))
    assert missing(found) == ["Consent.performer[0]"]
    assert found.draft is not None
    assert (found.draft.signer, found.draft.age) == (None, 0)
    whole = on.comes_to(complete(["FERPA"]))
    assert whole.draft == whole.release is not None


def test_a_signature_to_come_is_a_gap(on: OnPaper) -> None:
    """Beyond the few seconds by which another clock may be ahead."""
    assert missing(on.comes_to(complete(["FERPA"], signed="2026-10-01T12:00:10Z"))) == []
    later = on.comes_to(complete(["FERPA"], signed="2026-10-01T12:00:11Z"))
    assert missing(later) == ["Consent.dateTime"]
    assert [missing_requirement.code for missing_requirement in later.missing] == ["business-rule"]


def test_a_signature_that_is_asked_for_is_a_gap_until_it_is_given(on: OnPaper) -> None:
    """Where several must sign, the Consent waits for the last."""
    asked = {"url": SIGNATURE_ASKED, "valueReference": {"reference": "@mother"}}
    waiting = on.comes_to(complete(["FERPA"], **{"with": {"extension": [{"url": "urn:test"}, asked]}}))
    assert missing(waiting) == ["Consent.extension[1]"]
    assert [issue.code for issue in waiting.missing] == ["required"]
    assert missing(on.comes_to(complete(["FERPA"], **{"with": {"extension": [{"url": "urn:test"}]}}))) == []


def test_the_laws_of_policy_and_of_policy_rule_add_up(on: OnPaper) -> None:
    """Neither outweighs the other, and with none of them there is no release."""
    rule = {"policyRule": {"coding": [{"system": CONSENT_POLICY, "code": "hipaa-auth"}]}}
    found = on.comes_to(complete(["42CFRPart2"], **{"with": rule}))
    assert missing(found) == []
    assert found.release is not None
    assert found.release.part2
    assert missing(on.comes_to(complete(["FERPA"]) | {"law": None})) == ["Consent.policy"]


def test_only_what_is_the_consents_own_can_turn_it_round(on: OnPaper) -> None:
    """A modifier is told once; those of contained resources and of the narrative modify these alone."""
    modifier = {"modifierExtension": [{"url": "urn:x", "extension": [{"modifierExtension": [{"url": "urn:y"}]}]}]}
    assert missing(on.comes_to(complete(["FERPA"], **{"with": modifier}))) == ["Consent"]
    inside = {"contained": [{"resourceType": "Basic", **modifier}], "text": {"status": "generated", **modifier}}
    assert missing(on.comes_to(complete(["FERPA"], **{"with": inside}))) == []


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"organization": [{"reference": "Patient/{district}"}]}, "Consent.organization[0]"),
        ({"performer": [{"reference": "RelatedPerson/{student}"}]}, "Consent.performer[0]"),
        ({"performer": [{"reference": "Practitioner/{mother}"}]}, "Consent.performer[0]"),
    ],
)
def test_an_id_under_another_type_is_another_resource(on: OnPaper, wrong: Spec, at: str) -> None:
    """A discloser is an Organization, a signer a Patient or a RelatedPerson."""
    ids = {n: h.id for n, h in on.held.items()} | {"district": on.network.id("district")}
    with_ids = {k: [{"reference": r["reference"].format(**ids)} for r in v] for k, v in wrong.items()}
    assert missing(on.comes_to(complete(["FERPA"], **{"with": with_ids}))) == [at]


async def test_who_is_neither_the_student_nor_a_related_person_does_not_sign(on: OnPaper) -> None:
    """Not even under the id of a student who is of age."""
    await on.change("student", {"born": "2000-01-01"})
    student = on.held["student"].id
    for kind, expected in (("Patient", []), ("RelatedPerson", ["Consent.performer[0]"])):
        signer = {"performer": [{"reference": f"{kind}/{student}"}]}
        assert missing(on.comes_to(complete(["FERPA"], **{"with": signer}))) == expected
    doctor = {"performer": [{"reference": f"Practitioner/{student}"}]}
    (missing_requirement,) = on.comes_to(complete(["FERPA"], **{"with": doctor})).missing
    assert missing_requirement.text == "The signer's authority is missing: a student or a RelatedPerson signs."


def test_a_gap_names_every_rule_that_asks_for_it_and_no_other(on: OnPaper) -> None:
    """Of a Consent under all three."""
    found = on.comes_to(complete(EVERY, signed=None, period=None, intermediary=None))
    asked = {str(missing_requirement.expression): missing_requirement.text for missing_requirement in found.missing}
    assert set(missing(found)) == asked.keys()
    assert asked["Consent.dateTime"].endswith(f"({', '.join(r.requires[Element.SIGNED_ON] for r in REGIMES)})")
    assert asked["Consent.provision.period.end"].endswith("(HIPAA 45 CFR 164.508(c)(1)(v), 42 CFR 2.31(a)(7))")
    assert asked["Consent.provision.actor"].endswith("(42 CFR 2.31(a)(4)(ii))")


@pytest.mark.parametrize("intermediary", [True, False])
def test_the_exchange_is_named_where_its_operator_is_an_intermediary(on: OnPaper, intermediary: bool) -> None:
    """The operator's setting says whether it is."""
    on.intermediary = intermediary
    found = missing(on.comes_to(complete(["42CFRPart2"], intermediary=None)))
    assert found == (["Consent.provision.actor"] if intermediary else [])


def test_without_a_law_that_is_understood_every_regime_asks(on: OnPaper) -> None:
    """A gap is told in words then."""
    found = on.comes_to(complete(["urn:law"], signed=None))
    assert [
        missing_requirement.text
        for missing_requirement in found.missing
        if missing_requirement.expression == "Consent.dateTime"
    ] == ["The day it was signed is missing (every regime)"]
