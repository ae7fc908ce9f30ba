"""Ed-Fi folders for the tests of the intake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.intake.edfi import mapping
from app.intake.edfi.elements import required
from app.intake.edfi.mapping import District
from app.intake.edfi.shapes import Record
from app.intake.edfi.staging import Clash, StagedContact, StagedStudent, Staging
from app.intake.edfi.xml import interchanges, located, records
from app.intake.roster import resources
from app.intake.roster.model import Origin

GRAND_BEND = Path(__file__).parents[3] / "shared" / "data" / "edfi-grand-bend"
needs_grand_bend = pytest.mark.skipif(not GRAND_BEND.is_dir(), reason="the Grand Bend sample district is not here")


def interchange(folder: Path, name: str, body: str, *, file: str | None = None, version: str = "5.2.0") -> Path:
    """Write an interchange file with `body` inside its root element."""
    path = folder / (file or f"{name}.xml")
    path.write_text(f'<Interchange{name} xmlns="http://ed-fi.org/{version}">{body}</Interchange{name}>')
    return path


def read(path: Path) -> list[tuple[str, Record]]:
    """All records of a file."""
    return list(records(path))


def stage(folder: Path, clash: Clash = lambda *_: None) -> Staging:
    """A Staging with every record of a folder, resolved."""
    staging = Staging(clash)
    for file in interchanges(folder)[0]:
        for line, name, record in located(file.path):
            staging.add(file.path.name, name, record, line)
    staging.resolve()
    return staging


HERE = Origin("a.xml", 1)


def organization(school: Record, district: District) -> dict[str, Any]:
    """The Organization of a School."""
    return resources.organization(mapping.school(required(school, "SchoolId"), school, district, HERE), "d1")


def patient(
    student: Record, demographics: Sequence[Record], enrollments: Sequence[Record], district: District
) -> dict[str, Any]:
    """The Patient of a Student."""
    key = required(student, "StudentUniqueId")
    staged = StagedStudent(key, HERE, student, list(demographics), list(enrollments))
    return resources.patient(mapping.student(staged, district), "d1")


def related_person(
    contact: Record, association: Record, student: str, patient_id: str, district: District
) -> dict[str, Any]:
    """The RelatedPerson of a Contact in its association with a student."""
    staged = StagedContact(student, required(contact, "ContactUniqueId"), HERE, association, contact, True)
    return resources.related_person(mapping.contact(staged, district), patient_id)
