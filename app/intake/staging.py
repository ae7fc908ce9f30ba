"""Holds the records of a folder on disk while it is imported, and joins them there rather than in memory.
https://www.sqlite.org/inmemorydb.html#temp_db

The database has no name: it is a private file that the system has already unlinked, so that no way of ending leaves
a copy of a roster behind. Where Ed-Fi has a record twice the last one counts, as its own upsert has it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import orjson

from app.errors import HallpassError, Issue, Kind
from app.intake.elements import required
from app.intake.shapes import Record
from app.resources.paths import first

_KEY = {
    "LocalEducationAgency": "LocalEducationAgencyId",
    "School": "SchoolId",
    "Student": "StudentUniqueId",
    "Contact": "ContactUniqueId",
}
_STUDENT = ("StudentReference", "StudentIdentity.StudentUniqueId")
_OTHER = {
    "StudentEducationOrganizationAssociation": (
        "EducationOrganizationReference",
        "EducationOrganizationIdentity.EducationOrganizationId",
    ),
    "StudentSchoolAssociation": ("SchoolReference", "SchoolIdentity.SchoolId"),
    "StudentContactAssociation": ("ContactReference", "ContactIdentity.ContactUniqueId"),
}
_AGENCY = ("LocalEducationAgencyReference", "LocalEducationAgencyIdentity.LocalEducationAgencyId")
_REF = "\x01"
"""Begins what stands for a record that is named by its place in a file; no XML text can begin so."""

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE record (kind TEXT, key TEXT, xml TEXT, body BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE association (
    kind TEXT, subject TEXT, other TEXT, begin TEXT, body BLOB, PRIMARY KEY (kind, subject, other, begin)
) WITHOUT ROWID;
CREATE TABLE patient (student TEXT PRIMARY KEY, id TEXT) WITHOUT ROWID;
BEGIN;
"""
_RESOLVE = """
CREATE INDEX record_xml ON record (xml) WHERE xml IS NOT NULL;
UPDATE OR REPLACE association SET subject = (SELECT key FROM record WHERE xml = subject)
 WHERE subject >= char(1) AND subject < char(2) AND EXISTS (SELECT 1 FROM record WHERE xml = subject);
UPDATE OR REPLACE association SET other = (SELECT key FROM record WHERE xml = other)
 WHERE other >= char(1) AND other < char(2) AND EXISTS (SELECT 1 FROM record WHERE xml = other);
"""
_AGENCIES = "SELECT key FROM record WHERE kind = 'LocalEducationAgency' ORDER BY key"
_SCHOOLS = """
SELECT r.key, r.body FROM record r LEFT JOIN association a ON a.kind = 'School' AND a.subject = r.key
 WHERE r.kind = 'School' AND (a.other IS NULL OR a.other = ?) ORDER BY r.key
"""
_STUDENTS = "SELECT key, body FROM record WHERE kind = 'Student' ORDER BY key"
_OF_STUDENT = "SELECT body FROM association WHERE kind = ? AND subject = ? ORDER BY other <> ?, other, begin"
_CONTACTS = """
SELECT a.subject, a.other, a.body, c.body, s.key IS NOT NULL, p.id
  FROM association a
  LEFT JOIN record c ON c.kind = 'Contact' AND c.key = a.other
  LEFT JOIN record s ON s.kind = 'Student' AND s.key = a.subject
  LEFT JOIN patient p ON p.student = a.subject
 WHERE a.kind = 'StudentContactAssociation' ORDER BY a.subject, a.other
"""
_OF_NO_STUDENT = """
SELECT count(*) FROM record WHERE kind = 'Contact'
   AND key NOT IN (SELECT other FROM association WHERE kind = 'StudentContactAssociation')
"""


@dataclass(frozen=True, slots=True)
class StagedStudent:
    """A Student with its associations, the district's own first."""

    key: str
    student: Record
    demographics: list[Record]
    enrollments: list[Record]


@dataclass(frozen=True, slots=True)
class StagedContact:
    """A StudentContactAssociation with what it joins; `contact` and `patient` are None where that is not there."""

    student: str
    key: str
    association: Record
    contact: Record | None
    student_known: bool
    patient: str | None


class Staging:
    """The staged records of one import: add all of them, resolve, then read them joined."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def add(self, file: str, name: str, record: Record) -> None:
        """Take a record of a file in. Raises HallpassError where it does not say what it is or what it joins."""
        if name in _KEY:
            key = required(record, _KEY[name])
            xml = f"{_REF}{file}{_REF}{record['@id']}" if "@id" in record else None
            row = (name, key, xml, orjson.dumps(record))
            self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", row)
            if name == "School" and _AGENCY[0] in record:
                self._associate(name, key, _named(file, record, *_AGENCY), "", {})
        else:
            student, other = _named(file, record, *_STUDENT), _named(file, record, *_OTHER[name])
            self._associate(name, student, other, first(record, "EntryDate") or "", record)

    def resolve(self) -> None:
        """Replace references into a file by the keys of what they name. Nothing is added after that."""
        self._db.executescript(_RESOLVE)

    def agencies(self) -> list[str]:
        """The LocalEducationAgencyIds, in order."""
        return [key for (key,) in self._db.execute(_AGENCIES)]

    def schools(self, agency: str) -> Iterator[tuple[str, Record]]:
        """The Schools of an agency, and those that name none, as (SchoolId, School)."""
        for key, body in self._db.execute(_SCHOOLS, (agency,)):
            yield key, orjson.loads(body)

    def students(self, agency: str) -> Iterator[StagedStudent]:
        """Every Student, the associations with the agency itself first."""
        for key, body in self._db.execute(_STUDENTS):
            demographics = self._of_student("StudentEducationOrganizationAssociation", key, agency)
            enrollments = self._of_student("StudentSchoolAssociation", key, agency)
            yield StagedStudent(key, orjson.loads(body), demographics, enrollments)

    def contacts(self) -> Iterator[StagedContact]:
        """Every StudentContactAssociation, by student."""
        for student, key, association, contact, known, patient in self._db.execute(_CONTACTS):
            body = orjson.loads(contact) if contact is not None else None
            yield StagedContact(student, key, orjson.loads(association), body, bool(known), patient)

    def contacts_of_no_student(self) -> int:
        """How many Contacts no association joins to a student."""
        return int(self._db.execute(_OF_NO_STUDENT).fetchone()[0])

    def count(self, name: str) -> int:
        """How many records of a name are staged."""
        table = "record" if name in _KEY else "association"
        return int(self._db.execute(f"SELECT count(*) FROM {table} WHERE kind = ?", (name,)).fetchone()[0])  # noqa: S608

    def remember(self, student: str, patient: str) -> None:
        """Keep the id of a student's Patient for its contacts."""
        self._db.execute("INSERT OR REPLACE INTO patient VALUES (?, ?)", (student, patient))

    def _associate(self, name: str, subject: str, other: str, begin: str, record: Record) -> None:
        row = (name, subject, other, begin, orjson.dumps(record))
        self._db.execute("INSERT OR REPLACE INTO association VALUES (?, ?, ?, ?, ?)", row)

    def _of_student(self, name: str, student: str, agency: str) -> list[Record]:
        return [orjson.loads(body) for (body,) in self._db.execute(_OF_STUDENT, (name, student, agency))]


def _named(file: str, record: Record, reference: str, identity: str) -> str:
    """What a reference names: the key in its identity, or the place in the file that it points to."""
    key, ref = first(record, f"{reference}.{identity}"), first(record, f"{reference}.@ref")
    if not key and not ref:
        raise HallpassError(Kind.INVALID, Issue("This reference names nothing.", reference))
    return key or f"{_REF}{file}{_REF}{ref}"
