"""A filter holds for a record just where a search with it would find the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.search.clause import Budget, ClauseReader
from app.search.query import Criterion
from app.search.terms import terms
from app.search.values import Reading
from app.subscriptions.matching import holds

ZONE, BASE = ZoneInfo("America/Chicago"), "https://exchange.example.org/fhir"
RECORD = UUID(int=7)
UPDATED = datetime(2026, 9, 14, 12, tzinfo=UTC)
STUDENT = "00000000-0000-4000-8000-000000000001"
REFERRAL: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "priority": "urgent",
    "subject": {"reference": f"Patient/{STUDENT}"},
    "code": {"coding": [{"system": "urn:test:service", "code": "counseling"}]},
    "authoredOn": "2026-09-14",
}
CASES = [
    ("priority", "urgent", True),
    ("priority", "routine", False),
    ("priority", "routine,urgent", True),
    ("status:not", "draft", True),
    ("status:not", "active", False),
    ("code", "urn:test:service|counseling", True),
    ("code", "urn:other|counseling", False),
    ("code", "urn:test:service|", True),
    ("code", "|counseling", False),
    ("patient", f"Patient/{STUDENT}", True),
    ("patient", STUDENT, True),
    ("patient", f"{BASE}/Patient/{STUDENT}", True),
    ("subject", "Group/1", False),
    ("authored", "2026-09-14", True),
    ("authored", "2026-09", True),
    ("authored", "gt2026-09-14", False),
    ("authored", "ge2026-09-14", True),
    ("authored", "lt2026-09-15", True),
    ("authored", "le2026-09-13", False),
    ("_id", str(RECORD), True),
    ("_id", STUDENT, False),
    ("_lastUpdated", "ge2026-09-14", True),
    ("_lastUpdated", "gt2026-10", False),
]


@pytest.mark.parametrize(("key", "value", "expected"), CASES)
def test_a_filter_holds_or_not(key: str, value: str, expected: bool) -> None:
    clause = ClauseReader(Reading(ZONE, BASE), Budget(), key, value).read(("ServiceRequest",))
    assert isinstance(clause, Criterion)
    assert holds(clause, terms("ServiceRequest", REFERRAL, ZONE, BASE), RECORD, UPDATED) is expected
