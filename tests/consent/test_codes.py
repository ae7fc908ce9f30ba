"""The codes that releases are written in. https://terminology.hl7.org"""

from __future__ import annotations

from app.consent.codes import widen


def test_a_purpose_is_all_that_it_is_a_kind_of() -> None:
    """Through every step of the hierarchy, and never the other way round."""
    assert {"ETREAT", "TREAT"} <= widen(["ETREAT"])
    assert "ETREAT" not in widen(["TREAT"])


def test_a_purpose_that_is_not_known_is_itself_alone() -> None:
    """It widens to nothing."""
    assert widen(["unheard-of"]) == {"unheard-of"}
    assert widen([]) == frozenset()
