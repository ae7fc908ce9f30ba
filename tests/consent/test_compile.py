"""From a Consent to the release it is, or to its gaps. test_completeness.py asks the same of the server.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import Regime
from app.consent.compile import RULE, Reading
from tests.consent.language import load
from tests.consent.paper import OnPaper, stage

Spec = dict[str, Any]
TOLD = load("completeness.yaml")
EVERY = [r.value for r in Regime]


@pytest_asyncio.fixture
async def on() -> OnPaper:
    """A student with a mother, an aunt, a visit and an earlier release."""
    found = stage()
    await found.put("student", {}, "student")
    await found.put("mother", {}, "person")
    await found.put("aunt", {"is": "AUNT"}, "person")
    await found.put("visit", {"type": "Encounter"}, "record")
    await found.put("earlier", {"status": "inactive"}, "release")
    return found


def complete(law: list[str], **more: Any) -> Spec:
    """A Consent that lacks nothing under these regimes, but for what `more` changes."""
    return {"law": law, **({"intermediary": ["agency"]} if "42CFRPart2" in law else {}), **more}


def gaps(found: Reading) -> list[str]:
    """Where the gaps are; with one there is no release."""
    assert (found.release is None) == bool(found.gaps)
    return sorted(str(gap.expression) for gap in found.gaps)


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("row", TOLD["table"], ids=lambda row: row["row"])
def test_each_row_is_asked_for_by_its_regimes_and_by_no_other(on: OnPaper, row: Spec, law: str) -> None:
    """And the gap is told under its rule and no other."""
    found = on.comes_to(complete([law]) | row["without"])
    assert gaps(found) == ([row["at"]] if law in row["regimes"] else [])
    for gap in found.gaps:
        assert gap.code == "required"
        assert gap.text.endswith(f"({RULE[Regime(law)]})")


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("enough", TOLD["enough"], ids=lambda e: e["says"])
def test_what_is_asked_for_can_be_said_in_several_ways(on: OnPaper, enough: Spec, law: str) -> None:
    """Each way closes the gap."""
    assert gaps(on.comes_to(complete([law]) | enough["with"])) == []


@pytest.mark.parametrize("wrong", TOLD["wrong"], ids=lambda w: w["what"])
def test_what_is_not_understood_is_a_gap_where_it_is(on: OnPaper, wrong: Spec) -> None:
    """And no release."""
    assert gaps(on.comes_to(complete(["FERPA"]) | wrong["with"])) == sorted(wrong.get("read", wrong["at"]))
