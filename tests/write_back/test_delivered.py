"""What of an Encounter goes to an ODS, and what never does. docs/guides/write-back.md"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.write_back.delivered import code_of, delivered, held_back, number_of, stands

OWN = "7a1b6c1e-0000-4000-8000-000000000001"
PROVIDER = "3f2a9c1b-1111-4000-8000-000000000002"


def encounter(**more: Any) -> dict[str, Any]:
    """A session of 45 minutes."""
    period = {"start": "2026-10-05T23:30:00-05:00", "end": "2026-10-06T00:15:00-05:00"}
    filed = {"source": f"Organization/{PROVIDER}"}
    return {"id": OWN, "status": "finished", "period": period, "meta": filed, **more}


def test_the_day_is_the_sessions_own_and_the_minutes_are_between_its_ends() -> None:
    found = delivered(encounter(), "1", "Elm Clinic")
    assert (found.held, found.minutes) == (date(2026, 10, 5), 45)


@pytest.mark.parametrize(
    ("more", "minutes"),
    [
        ({"period": {"start": "2026-10-05"}}, 0),
        ({"period": {"start": "2026-10-05"}, "length": {"value": 1.5, "code": "h"}}, 90),
        ({"period": {"start": "2026-10-05"}, "length": {"value": 2, "code": "wk"}}, 0),
        ({"period": {"start": "2026-10-05T10:00:00Z", "end": "2026-10-05T09:00:00Z"}}, 0),
        ({"period": {"start": "2026-10-05T10:00:00Z", "end": "2027-10-05T09:00:00Z"}}, 24 * 60),
    ],
)
def test_what_is_no_length_of_a_session_counts_no_minutes(more: dict[str, Any], minutes: int) -> None:
    assert delivered(encounter(**more), "1", "Elm").minutes == minutes


@pytest.mark.parametrize("more", [{"status": "planned"}, {"status": "entered-in-error"}, {"period": {}}])
def test_what_is_not_over_or_has_no_day_does_not_stand(more: dict[str, Any]) -> None:
    assert stands(encounter())
    assert not stands(encounter(**more))


def test_a_code_names_service_and_provider_and_has_no_more_than_60_characters() -> None:
    named = encounter(type=[{"coding": [{"code": "1", "display": "Counseling"}], "text": "About her father"}])
    assert code_of(named, "Elm Clinic") == "Counseling, Elm Clinic (3f2a9c1b)"
    long = encounter(type=[{"coding": [{"display": "x" * 100}]}])
    assert len(code_of(long, "y" * 100)) <= 60
    assert code_of(encounter(), "Elm Clinic") == "Service, Elm Clinic (3f2a9c1b)"


def test_a_label_that_is_not_understood_holds_back() -> None:
    assert not held_back(encounter())
    assert held_back(encounter(meta={"security": [{"system": "urn:x", "code": "y"}]}))


def test_a_number_counts_only_where_the_district_filed_the_student_and_there_is_one() -> None:
    own = {"identifier": [{"system": "s", "value": "1"}], "meta": {"source": "Organization/d"}}
    assert number_of(own, "s", "d") == "1"
    assert number_of(own, "s", "other") is None
    assert number_of(own, "t", "d") is None
    assert number_of({**own, "identifier": [*own["identifier"], {"system": "s", "value": "2"}]}, "s", "d") is None
    assert number_of(None, "s", "d") is None
