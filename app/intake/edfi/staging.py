"""Holds the records of a folder on disk while it is read, and joins them there rather than in memory.
https://www.sqlite.org/inmemorydb.html#temp_db

The database has no name: it is a private file that the system has already unlinked, so that no way of ending leaves
a copy of a roster behind. A record that is there twice with other content is told with both lines, and joins nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import orjson

from app.errors import HallpassError, Issue, Kind
from app.intake.edfi.elements import required
from app.intake.edfi.shapes import ASSIGNMENT, Record
from app.intake.roster.model import Origin
from app.intake.roster.units import digest
from app.resources.paths import first

_KEY = {
    "LocalEducationAgency": "LocalEducationAgencyId",
    "School": "SchoolId",
    "Student": "StudentUniqueId",
    "Contact": "ContactUniqueId",
    "Staff": "StaffUniqueId",
}
_STUDENT = ("StudentReference", "StudentIdentity.StudentUniqueId")
_SUBJECT = {ASSIGNMENT: ("StaffReference", "StaffIdentity.StaffUniqueId")}
"""Association -> who it is about, where that is no student."""
_OTHER = {
    "StudentEducationOrganizationAssociation": (
        "EducationOrganizationReference",
        "EducationOrganizationIdentity.EducationOrganizationId",
    ),
    "StudentSchoolAssociation": ("SchoolReference", "SchoolIdentity.SchoolId"),
    "StudentContactAssociation": ("ContactReference", "ContactIdentity.ContactUniqueId"),
    ASSIGNMENT: ("EducationOrganizationReference", "EducationOrganizationIdentity.EducationOrganizationId"),
}
_AGENCY = ("LocalEducationAgencyReference", "LocalEducationAgencyIdentity.LocalEducationAgencyId")
_REF = "\x01"
"""Begins what stands for a record that is named by its place in a file; no XML text can begin so."""

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE record (
    kind TEXT, key TEXT, xml TEXT, file TEXT, line INT, digest TEXT, body BLOB, clash INT DEFAULT 0,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE alias (xml TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID;
CREATE TABLE association (kind TEXT, subject TEXT, other TEXT, begin TEXT, file TEXT, line INT, body BLOB);
CREATE INDEX association_subject ON association (kind, subject);
BEGIN;
"""
_RESOLVE = """
UPDATE association SET subject = (SELECT key FROM alias WHERE xml = subject)
 WHERE subject >= char(1) AND subject < char(2) AND EXISTS (SELECT 1 FROM alias WHERE xml = subject);
UPDATE association SET other = (SELECT key FROM alias WHERE xml = other)
 WHERE other >= char(1) AND other < char(2) AND EXISTS (SELECT 1 FROM alias WHERE xml = other);
"""
_AGENCIES = "SELECT key FROM record WHERE kind = 'LocalEducationAgency' ORDER BY key"
_SCHOOLS = """
SELECT r.key, r.file, r.line, r.body, r.clash FROM record r
  LEFT JOIN association a ON a.kind = 'School' AND a.subject = r.key
 WHERE r.kind = 'School' AND (a.other IS NULL OR a.other = ?) ORDER BY r.key
"""
_STUDENTS = "SELECT key, file, line, body, clash FROM record WHERE kind = 'Student' ORDER BY key"
_STAFF = "SELECT key, file, line, body, clash FROM record WHERE kind = 'Staff' ORDER BY key"
_ASSIGNMENTS = "SELECT other, body FROM association WHERE kind = ? AND subject = ? ORDER BY other, begin, line"
_OF_STUDENT = "SELECT body FROM association WHERE kind = ? AND subject = ? ORDER BY other <> ?, other, begin, line"
_ENROLLMENTS = """
SELECT subject, other, file, line, body FROM association WHERE kind = 'StudentSchoolAssociation'
 ORDER BY subject, other, begin, line
"""
_CONTACTS = """
SELECT a.subject, a.other, a.file, a.line, a.body, c.body, c.clash, s.key IS NOT NULL
  FROM association a
  LEFT JOIN record c ON c.kind = 'Contact' AND c.key = a.other
  LEFT JOIN record s ON s.kind = 'Student' AND s.key = a.subject
 WHERE a.kind = 'StudentContactAssociation' ORDER BY a.subject, a.other, a.file, a.line
"""
_OF_NO_STUDENT = """
SELECT count(*) FROM record WHERE kind = 'Contact'
   AND key NOT IN (SELECT other FROM association WHERE kind = 'StudentContactAssociation')
"""

Clash = Callable[[str, str, Origin, Origin], None]
"""Told of two records of one kind and key with other content: where the later stands, and where the first."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A record with its key and place; `clash`: another contradicts it."""

    key: str
    origin: Origin
    record: Record
    clash: bool = False


@dataclass(frozen=True, slots=True)
class StagedStudent:
    """A Student with its associations, the district's own first."""

    key: str
    origin: Origin
    student: Record
    demographics: list[Record]
    enrollments: list[Record]
    clash: bool = False


@dataclass(frozen=True, slots=True)
class StagedContact:
    """A StudentContactAssociation with what it joins; `contact` is None where that is not there or is contradicted."""

    student: str
    key: str
    origin: Origin
    association: Record
    contact: Record | None
    student_known: bool
    clash: bool = False


class Staging:
    """The staged records of one import: add all of them, resolve, then read them joined."""

    def __init__(self, clash: Clash = lambda *_: None) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)
        self._clash = clash
        self.sessions: list[Staged] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def add(self, file: str, name: str, record: Record, line: int = 0) -> None:
        """Take a record of a file in. Raises HallpassError where it does not say what it is or what it joins."""
        origin = Origin(file, line)
        if name == "Session":
            self.sessions.append(Staged(required(record, "SessionName"), origin, record))
        elif name in _KEY:
            self._record(name, required(record, _KEY[name]), origin, record)
        else:
            subject = _named(file, record, *_SUBJECT.get(name, _STUDENT))
            begin = first(record, "EntryDate") or first(record, "BeginDate") or ""
            self._associate(name, subject, _named(file, record, *_OTHER[name]), begin, origin, record)

    def resolve(self) -> None:
        """Replace references into a file by the keys of what they name. Nothing is added after that."""
        self._db.executescript(_RESOLVE)

    def agencies(self) -> list[str]:
        """The LocalEducationAgencyIds, in order."""
        return [key for (key,) in self._db.execute(_AGENCIES)]

    def schools(self, agency: str) -> Iterator[Staged]:
        """The Schools of an agency, and those that name none."""
        for key, file, line, body, clash in self._db.execute(_SCHOOLS, (agency,)):
            yield Staged(key, Origin(file, line), orjson.loads(body), bool(clash))

    def students(self, agency: str) -> Iterator[StagedStudent]:
        """Every Student, the associations with the agency itself first."""
        for key, file, line, body, clash in self._db.execute(_STUDENTS):
            demographics = self._of_student("StudentEducationOrganizationAssociation", key, agency)
            enrollments = self._of_student("StudentSchoolAssociation", key, agency)
            yield StagedStudent(key, Origin(file, line), orjson.loads(body), demographics, enrollments, bool(clash))

    def enrollments(self) -> Iterator[tuple[str, str, Origin, Record]]:
        """Every StudentSchoolAssociation: the student, the school, where it stands, and what it says."""
        for student, school, file, line, body in self._db.execute(_ENROLLMENTS):
            yield student, school, Origin(file, line), orjson.loads(body)

    def contacts(self) -> Iterator[StagedContact]:
        """Every StudentContactAssociation, by student."""
        for student, key, file, line, association, contact, clash, known in self._db.execute(_CONTACTS):
            body = orjson.loads(contact) if contact is not None and not clash else None
            origin = Origin(file, line)
            yield StagedContact(student, key, origin, orjson.loads(association), body, bool(known), bool(clash))

    def staff(self) -> Iterator[tuple[Staged, list[tuple[str, Record]]]]:
        """Every Staff with its assignments: the organization of each, and what it says."""
        for key, file, line, body, clash in self._db.execute(_STAFF).fetchall():
            rows = self._db.execute(_ASSIGNMENTS, (ASSIGNMENT, key))
            held = [(other, orjson.loads(record)) for other, record in rows]
            yield Staged(key, Origin(file, line), orjson.loads(body), bool(clash)), held

    def contacts_of_no_student(self) -> int:
        """How many Contacts no association joins to a student."""
        return int(self._db.execute(_OF_NO_STUDENT).fetchone()[0])

    def count(self, name: str) -> int:
        """How many records of a name are staged."""
        table = "record" if name in _KEY else "association"
        return int(self._db.execute(f"SELECT count(*) FROM {table} WHERE kind = ?", (name,)).fetchone()[0])  # noqa: S608

    def _record(self, name: str, key: str, origin: Origin, record: Record) -> None:
        if "@id" in record:
            self._db.execute(
                "INSERT OR REPLACE INTO alias VALUES (?, ?)", (f"{_REF}{origin.file}{_REF}{record['@id']}", key)
            )
        mark = digest({k: v for k, v in record.items() if k != "@id"})
        query = "SELECT file, line, digest FROM record WHERE kind = ? AND key = ?"
        before = self._db.execute(query, (name, key)).fetchone()
        if before is None:
            row = (name, key, origin.file, origin.line, mark, orjson.dumps(record))
            self._db.execute("INSERT INTO record (kind, key, file, line, digest, body) VALUES (?, ?, ?, ?, ?, ?)", row)
            if name == "School" and _AGENCY[0] in record:
                self._associate(name, key, _named(origin.file, record, *_AGENCY), "", origin, {})
        elif before[2] != mark:
            self._db.execute("UPDATE record SET clash = 1 WHERE kind = ? AND key = ?", (name, key))
            self._clash(name, key, origin, Origin(before[0], before[1]))

    def _associate(self, name: str, subject: str, other: str, begin: str, origin: Origin, record: Record) -> None:
        row = (name, subject, other, begin, origin.file, origin.line, orjson.dumps(record))
        self._db.execute("INSERT INTO association VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _of_student(self, name: str, student: str, agency: str) -> list[Record]:
        return [orjson.loads(body) for (body,) in self._db.execute(_OF_STUDENT, (name, student, agency))]


def _named(file: str, record: Record, reference: str, identity: str) -> str:
    """What a reference names: the key in its identity, or the place in the file that it points to."""
    key, ref = first(record, f"{reference}.{identity}"), first(record, f"{reference}.@ref")
    if not key and not ref:
        raise HallpassError(Kind.INVALID, Issue("This reference names nothing.", reference))
    return key or f"{_REF}{file}{_REF}{ref}"
