"""What a Consent says that its writer may not mean."""

from __future__ import annotations

from typing import Any

import pytest

from app.consent.advice import advice

VISIT = {"reference": "Encounter/00000000-0000-4000-8000-000000000001"}
REFERRAL = {"reference": "ServiceRequest/00000000-0000-4000-8000-000000000001"}


def consent(meaning: str, reference: dict[str, str], *, root: str = "permit") -> dict[str, Any]:
    """A release with an exception about some data."""
    nested = {"data": [{"meaning": meaning, "reference": reference}]}
    return {"resourceType": "Consent", "provision": {"type": root, "provision": [nested]}}


def test_a_denial_of_what_is_related_to_an_encounter_is_warned_of() -> None:
    """It keeps nothing back of what was recorded there."""
    (found,) = advice(consent("related", VISIT))
    assert (found.severity, found.expression) == ("warning", "Consent.provision.provision[0].data[0].meaning")


@pytest.mark.parametrize(
    "one",
    [
        consent("dependents", VISIT),
        consent("related", REFERRAL),
        consent("related", VISIT, root="deny"),
        {"resourceType": "Consent"},
    ],
)
def test_other_provisions_are_not(one: dict[str, Any]) -> None:
    assert advice(one) == []
