"""Purposes of use of a token. https://hl7.org/fhir/us/udap-security/STU1/b2b.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.auth.oauth import OAuthCode, OAuthError
from app.auth.purposes import asked, granted


def b2b(value: Any) -> dict[str, Any]:
    return {"extensions": {"hl7-b2b": {"purpose_of_use": value}}}


@pytest.mark.parametrize(
    ("form", "claims", "codes"),
    [
        (None, {}, None),
        (None, {"extensions": {}}, None),
        (None, {"extensions": {"hl7-b2b": {"organization_id": "x"}}}, None),
        ("TREAT", {}, {"TREAT"}),
        ("TREAT  COC", {}, {"TREAT", "COC"}),
        (None, b2b("TREAT"), {"TREAT"}),
        (None, b2b(["TREAT", "COC"]), {"TREAT", "COC"}),
        (None, b2b(["urn:oid:2.16.840.1.113883.5.8#TREAT"]), {"TREAT"}),
        ("COC TREAT", b2b("TREAT COC"), {"TREAT", "COC"}),
    ],
)
def test_purposes_are_read_from_the_form_or_the_assertion(
    form: str | None, claims: dict[str, Any], codes: set[str] | None
) -> None:
    assert asked(form, claims) == codes


@pytest.mark.parametrize(
    ("form", "claims"),
    [
        ("MARKETING", {}),
        ("treat", {}),
        ("urn:oid:1.2.3#TREAT", {}),
        (" ", {}),
        ("TREAT", b2b("COC")),
        (None, b2b([])),
        (None, b2b("")),
        (None, b2b(7)),
        (None, b2b([["TREAT"]])),
        (None, b2b({"code": "TREAT"})),
        (None, {"extensions": []}),
        (None, {"extensions": {"hl7-b2b": "TREAT"}}),
    ],
)
def test_a_purpose_that_is_not_understood_is_refused(form: str | None, claims: dict[str, Any]) -> None:
    with pytest.raises(OAuthError) as caught:
        asked(form, claims)
    assert caught.value.code is OAuthCode.INVALID_REQUEST


def test_all_purposes_but_break_the_glass_are_had_by_default() -> None:
    assert granted(None, frozenset({"TREAT", "COC", "BTG"}), emergency=True) == {"TREAT", "COC"}


def test_a_client_may_ask_for_some_of_its_purposes() -> None:
    assert granted(frozenset({"COC"}), frozenset({"TREAT", "COC"}), emergency=False) == {"COC"}


def test_break_the_glass_is_had_when_asked_for_by_a_client_registered_for_emergencies() -> None:
    assert granted(frozenset({"BTG"}), frozenset({"TREAT", "BTG"}), emergency=True) == {"BTG"}


@pytest.mark.parametrize(
    ("wanted", "held", "emergency"),
    [
        ({"COC"}, {"TREAT"}, False),
        ({"TREAT", "COC"}, {"TREAT"}, False),
        ({"BTG"}, {"BTG"}, False),
        ({"BTG"}, {"TREAT"}, True),
    ],
)
def test_a_purpose_that_the_client_lacks_is_refused(wanted: set[str], held: set[str], emergency: bool) -> None:
    with pytest.raises(OAuthError) as caught:
        granted(frozenset(wanted), frozenset(held), emergency=emergency)
    assert caught.value.code is OAuthCode.INVALID_REQUEST
