"""What a confirmation is to a Consent. docs/rule.md, 'Who may sign'"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.consent.codes import CONFIRMED_BY
from app.consent.confirming import adds, confirmed, confirmed_at, kept

AT = datetime(2026, 10, 4, 12, 0, 0, 123456, tzinfo=UTC)
OWN: dict[str, Any] = {"verified": True, "verificationDate": "2027-01-01"}
"""A verification that its writer tells of."""
PLAIN: dict[str, Any] = {"resourceType": "Consent", "verification": [OWN]}
ONCE = confirmed(PLAIN, "The registrar", AT)
TWICE = confirmed(ONCE, "Another", AT + timedelta(days=1))


def test_a_confirmation_is_a_verification_with_who_confirmed_it() -> None:
    """To the microsecond, beside what its writer tells of; what it was made of stays as it is."""
    by = {"extension": [{"url": CONFIRMED_BY, "valueString": "The registrar"}]}
    when = {"verified": True, "verificationDate": "2026-10-04T12:00:00.123456+00:00"}
    assert confirmed(PLAIN, "The registrar", AT) == {"resourceType": "Consent", "verification": [OWN, by | when]}
    assert PLAIN["verification"] == [OWN]
    assert confirmed({}, "The registrar", AT) == {"verification": [by | when]}


def test_the_latest_confirmation_counts_and_no_other_verification_does() -> None:
    assert confirmed_at({}) is None
    assert confirmed_at(PLAIN) is None
    assert confirmed_at(ONCE) == AT
    assert confirmed_at(TWICE) == AT + timedelta(days=1)


@pytest.mark.parametrize("when", [{}, {"verificationDate": "2026"}, {"verificationDate": "2026-10-04"}])
def test_a_mark_without_a_moment_confirms_nothing_and_is_added_all_the_same(when: dict[str, str]) -> None:
    marked = {"verification": [{"extension": [{"url": CONFIRMED_BY, "valueString": "Me"}], "verified": True, **when}]}
    assert confirmed_at(marked) is None
    assert adds({}, marked)


def test_what_replaces_a_consent_keeps_its_confirmations() -> None:
    """One that it has already is there once; what else it says of verifications is its own."""
    own = TWICE["verification"][1:]
    assert kept(TWICE, {"status": "inactive"}) == {"status": "inactive", "verification": own}
    assert kept(TWICE, TWICE) == TWICE
    assert kept(TWICE, ONCE)["verification"] == [own[1], OWN, own[0]]
    assert kept(PLAIN, {"status": "inactive"}) == {"status": "inactive"}


def test_a_confirmation_that_was_not_there_is_added_and_any_other_verification_is_not() -> None:
    assert adds({}, ONCE)
    assert adds(ONCE, TWICE)
    assert not adds(TWICE, ONCE)
    assert not adds({}, PLAIN)
