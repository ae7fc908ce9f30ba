"""Reads a CSV by its mapping into the facts of a roster: a row is a student, its school and its contacts.
docs/guides/roster.md

Several rows of one student are taken together where they say the same of it. Authority comes only from a column that
the mapping names, and from words that mean yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from app.errors import HallpassError, Kind
from app.intake.csv.mapping import NO, YES, ColumnMap, load
from app.intake.roster.codes import GRADE_LEVEL, ROLE_CODE
from app.intake.roster.facts import RosterFacts, key_of
from app.intake.roster.model import Contact, Enrollment, Fact, Finding, Origin, School, Student, Takes
from app.intake.roster.source import About, OnBytes, fingerprint_of
from app.intake.roster.units import Json, digest
from app.intake.roster.years import enrolled
from app.intake.tables import Row, read

_GENDER = {"m": "male", "male": "male", "f": "female", "female": "female", "x": "other", "nonbinary": "other"}
_RELATION = {"mother": "MTH", "father": "FTH", "guardian": "GUARD", "parent": "PRN", "grandparent": "GRPRN"}


@dataclass(frozen=True, slots=True)
class Csv:
    """A CSV file and its mapping file."""

    continues: ClassVar[bool] = False
    path: Path
    mapping: Path

    @property
    def name(self) -> str:
        """The source's name, as its mapping gives it."""
        return f"csv-{load(self.mapping).name}"

    def open(self, last: Json | None = None) -> _Opened:
        """The file. Raises HallpassError where there is none, or the mapping is unfit."""
        if not self.path.is_file():
            raise HallpassError(Kind.INVALID, f"There is no file {self.path}.")
        return _Opened(self.path, load(self.mapping))


@dataclass(frozen=True, slots=True)
class _Opened:
    path: Path
    map: ColumnMap

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return self.path.stat().st_size

    def fingerprint(self) -> str:
        """Of the file and what its mapping says."""
        return fingerprint_of([self.path], repr(self.map))

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it. Raises HallpassError where the file is unfit or lacks a column of the mapping."""
        with self.path.open("rb") as file:
            table = read(file, self.path.name, on_bytes, facts.find)
            missing = [c for c in self.map.columns() if c not in table.header]
            if missing:
                text = f"{table.name}: the mapping names columns that are not there: {', '.join(missing)[:200]}."
                raise HallpassError(Kind.INVALID, text)
            for line, row in table.rows:
                _Row(self.map, facts, Origin(table.name, line), row, today).take()
            if table.ragged:
                facts.unattributed |= {"School", "Student", "Contact", "Enrollment"}
        return About(f"CSV {self.map.name}", self.map.district, complete=True)


@dataclass(frozen=True, slots=True)
class _Row:
    map: ColumnMap
    facts: RosterFacts
    origin: Origin
    row: Row
    today: date

    def take(self) -> None:
        """Take the row in. A student with a fault is refused; each contact stands for itself."""
        student = self._cell(self.map.student, "id")
        if not student:
            self._refuse("Student", None, self.map.student["id"], "This cell is empty. It says whom the row is about.")
            self.facts.unattributed.add("Contact")
            return
        begin, end = (self._day(self.map.enrollment, element) for element in ("begin", "end"))
        school = self._school()
        if not self._lacks("Student", student, self.map.student, ("given", "family")):
            self._add(self._student(student, enrolled([(begin, end)], [], self.today) if school else None))
            if school:
                self._add(Enrollment(student, school, self.origin, begin, end))
        for columns in self.map.contacts:
            self._contact(student, columns)

    def _student(self, key: str, is_enrolled: bool | None) -> Student:
        columns = self.map.student
        gender = self._word("gender", self._cell(columns, "gender"), _GENDER)
        grade = self._cell(columns, "grade")
        return Student(
            key=key,
            origin=self.origin,
            identifiers=[self._id("student", key)],
            names=[self._name(columns)],
            birth_date=self._day(columns, "birth_date"),
            gender=gender if gender in ("male", "female", "other", "unknown") else None,
            telecom=self._telecom(columns),
            extensions=[{"url": GRADE_LEVEL, "valueCodeableConcept": {"text": grade}}] if grade else [],
            enrolled=is_enrolled,
        )

    def _school(self) -> str | None:
        key = self._cell(self.map.school, "id")
        name = self._cell(self.map.school, "name")
        if not key or not name:
            return None
        self._add(School(key, self.origin, [self._id("school", key)], name))
        return key

    def _contact(self, student: str, columns: Mapping[str, str]) -> None:
        key = self._cell(columns, "id")
        if not key:
            return
        name = f"{student}/{key}"
        restricted = self._cell(columns, "restriction").lower() not in NO
        said = self._cell(columns, "authority").lower()
        unread = said not in YES and said not in NO
        if unread:
            self._refuse("Contact", name, columns["authority"], "This is neither yes nor no. Authority is not guessed.")
        if self._lacks("Contact", name, columns, ("given", "family")) or unread:
            if restricted or (said in NO and said):
                self.facts.take(Takes("Contact", name, self.origin))
            return
        relation = self._cell(columns, "relation")
        code = self._word("relation", relation, _RELATION)
        coding = [{"system": ROLE_CODE, "code": code}] if code else []
        found: Json = {**({"coding": coding} if coding else {}), **({"text": relation} if relation else {})}
        self._add(
            Contact(
                key=key,
                origin=self.origin,
                student=student,
                identifiers=[
                    self._id("student-contact", f"{student}/{quote(key, safe='')}"),
                    self._id("contact", key),
                ],
                names=[self._name(columns)],
                relationship=[found] if found else [],
                authority=said in YES,
                restricted=restricted,
                telecom=self._telecom(columns),
            )
        )

    def _add(self, fact: Fact) -> None:
        """Take a fact in, without a word where another row said the same."""
        before = self.facts.get(type(fact), key_of(fact))
        if before is None or _content(before) != _content(fact):
            self.facts.add(fact)

    def _lacks(self, about: str, key: str, columns: Mapping[str, str], needed: tuple[str, ...]) -> bool:
        """Whether needed cells are empty; each is told."""
        empty = [columns[e] for e in needed if not self._cell(columns, e)]
        for column in empty:
            self._refuse(about, key, column, "This cell is empty, and the record cannot be taken without it.")
        return bool(empty)

    def _day(self, columns: Mapping[str, str], element: str) -> str | None:
        text = self._cell(columns, element)
        if not text:
            return None
        try:
            found = datetime.strptime(text, self.map.date_format).date().isoformat()  # noqa: DTZ007 - a date alone
        except ValueError:
            found = ""
        if not found or (element == "birth_date" and not "1900-01-02" <= found <= self.today.isoformat()):
            form = date(2014, 11, 13).strftime(self.map.date_format)
            self.facts.find(Finding(self.origin, f"This is no such date as {form}. It is left out.", columns[element]))
            return None
        return found

    def _word(self, element: str, text: str, known: Mapping[str, str]) -> str | None:
        words = self.map.words.get(element, {})
        return words.get(text.lower(), known.get(text.lower()))

    def _name(self, columns: Mapping[str, str]) -> Json:
        middle = self._cell(columns, "middle")
        given = [self._cell(columns, "given"), *([middle] if middle else [])]
        return {"use": "official", "family": self._cell(columns, "family"), "given": given}

    def _telecom(self, columns: Mapping[str, str]) -> list[Json]:
        return [{"system": s, "value": value} for s in ("phone", "email") if (value := self._cell(columns, s))]

    def _id(self, kind: str, value: str) -> Json:
        return {"system": f"urn:sis:{self.map.district}:{kind}", "value": value}

    def _cell(self, columns: Mapping[str, str], element: str) -> str:
        return self.row.get(columns.get(element, ""), "")

    def _refuse(self, about: str, key: str | None, column: str, text: str) -> None:
        self.facts.find(Finding(self.origin, text, column, refused=True, about=about, key=key))


def _content(fact: Fact) -> str:
    return digest({n: getattr(fact, n) for n in fact.__dataclass_fields__ if n != "origin"})
