"""What a link leads to: the release with its people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.signing.terms import Terms

Json = dict[str, Any]
_MAJORITY = 18


@dataclass(frozen=True, slots=True)
class Found:
    """What a link leads to."""

    consent: Json
    terms: Terms
    patient: Json
    signer: Json
    organizations: Mapping[str, str]
    zone: ZoneInfo

    @property
    def is_student(self) -> bool:
        """Whether the student signs."""
        return bool(self.signer["resourceType"] == "Patient")

    @property
    def is_minor(self) -> bool:
        """Whether a student signs who may be below majority."""
        try:
            born = date.fromisoformat(str(self.patient.get("birthDate", "")))
        except ValueError:
            return self.is_student
        today = datetime.now(self.zone).date()
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return self.is_student and age < _MAJORITY
