"""The profile of a release says what the server asks of an active Consent, at the same place.

https://hl7.org/fhir/R4/consent.html — the cases are those by which the server itself is tested.
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.capability.judge import judge
from app.capability.profiles import PROFILES
from app.consent.codes import EXPIRY_EVENT, EXPIRY_EVENT_EXTENSION
from app.consent.regimes import REGIMES
from tests.consent import spelled
from tests.consent.complete import complete, furnish
from tests.consent.language import load
from tests.consent.pure_cases import OnPaper, stage

Spec = dict[str, Any]
TOLD = load("completeness.yaml")
RELEASE = next(p for p in PROFILES if p.name == "release")


@pytest_asyncio.fixture
async def on() -> OnPaper:
    """A student with a mother, an aunt, a visit and an earlier release."""
    found = stage()
    await furnish(found)
    return found


def faults(on: OnPaper, spec: Spec) -> list[str]:
    """Where the profile finds a fault."""
    content = {"resourceType": "Consent", **on.resolve(spelled.consent(spec))}
    return sorted({str(i.expression) for i in judge(content, RELEASE)})


def covers(fault: str, gap: str) -> bool:
    """Whether a finding is at the place of a gap, or at the element that the invariant is of."""
    return gap == fault or gap.startswith(f"{fault}.")


@pytest.mark.parametrize("law", [r.code for r in REGIMES])
@pytest.mark.parametrize("row", TOLD["table"], ids=lambda row: row["row"])
def test_what_a_regime_asks_for_the_profile_asks_for(on: OnPaper, row: Spec, law: str) -> None:
    found = faults(on, complete([law]) | row["without"])
    if law in row["regimes"]:
        assert len(found) == 1
        assert covers(found[0], row["at"])
    else:
        assert found == []


@pytest.mark.parametrize("law", [r.code for r in REGIMES])
@pytest.mark.parametrize("enough", TOLD["enough"], ids=lambda e: e["says"])
def test_what_is_enough_for_the_server_is_enough_for_the_profile(on: OnPaper, enough: Spec, law: str) -> None:
    assert faults(on, complete([law]) | enough["with"]) == []


@pytest.mark.parametrize(
    ("law", "purposes", "enough"),
    [
        (["42CFRPart2"], ["TREAT", "HPAYMT", "HOPERAT"], True),
        (["42CFRPart2"], ["TREAT", "HRESCH"], False),
        (["HIPAA"], ["TREAT"], False),
        (["42CFRPart2", "HIPAA"], ["TREAT"], False),
        (["42CFRPart2", "FERPA"], ["TREAT"], True),
    ],
)
def test_none_is_an_expiry_where_the_server_takes_it_for_one(
    on: OnPaper, law: list[str], purposes: list[str], enough: bool
) -> None:
    """42 CFR 2.31(a)(7): for treatment, payment and health care operations."""
    coded = {"coding": [{"system": EXPIRY_EVENT, "code": "none"}]}
    none = {"extension": [{"url": EXPIRY_EVENT_EXTENSION, "valueCodeableConcept": coded}]}
    spec = complete(law, period=None, **{"for": purposes, "with": none})
    assert faults(on, spec) == ([] if enough else ["Consent"])
    assert (on.comes_to(spec).missing == ()) == enough


THE_SERVERS = {
    "data that is elsewhere": "whether a reference leads anywhere",
    "a discloser that is not the writer": "who writes",
}
"""What no profile can know."""


@pytest.mark.parametrize("wrong", TOLD["wrong"], ids=lambda w: w["what"])
def test_what_the_server_does_not_understand_the_profile_refuses(on: OnPaper, wrong: Spec) -> None:
    found = faults(on, complete(["FERPA"]) | wrong["with"])
    if wrong["what"] in THE_SERVERS:
        assert found == []
    else:
        assert all(any(covers(f, gap) or covers(gap, f) for f in found) for gap in wrong["at"]), found
