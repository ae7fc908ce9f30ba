"""The neutral model of a roster: what every reader makes and the one writer pushes. Pure.
docs/roster-model.md

Names, addresses, telephones and coded values are FHIR data types as JSON; everything else is plain. Each fact knows the
file and line that it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from app.intake.roster.units import Json


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact stands: the file's name, and the line on which its row or record begins (0: not known).

    A collection of a service has no file, hence no dot in its name; its records are counted as they come.
    """

    file: str
    line: int = 0

    def __str__(self) -> str:
        unit = "line" if "." in self.file else "record"
        return f"{self.file}, {unit} {self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class School:
    """A school, by the source's own id. `identifiers` begins with the one that it is known by."""

    key: str
    origin: Origin
    identifiers: list[Json]
    name: str
    active: bool = True
    aliases: list[str] = field(default_factory=list)
    telecom: list[Json] = field(default_factory=list)
    addresses: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Student:
    """A child, by the state's or the district's id. `enrolled` is None where the source says nothing of enrollment."""

    key: str
    origin: Origin
    identifiers: list[Json]
    names: list[Json]
    birth_date: str | None
    gender: str | None = None
    telecom: list[Json] = field(default_factory=list)
    addresses: list[Json] = field(default_factory=list)
    communication: list[Json] = field(default_factory=list)
    extensions: list[Json] = field(default_factory=list)
    enrolled: bool | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as one student's contact: who stands how to whom, and with what authority.

    `authority` is None where the relationship alone says. `restricted`: a restriction (a court order) is on file.
    """

    key: str
    origin: Origin
    student: str
    identifiers: list[Json]
    names: list[Json]
    relationship: list[Json]
    authority: bool | None = None
    restricted: bool = False
    active: bool = True
    period: Json | None = None
    gender: str | None = None
    telecom: list[Json] = field(default_factory=list)
    addresses: list[Json] = field(default_factory=list)
    communication: list[Json] = field(default_factory=list)
    extensions: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A student's time at a school: from `begin` to `end`, dates as YYYY-MM-DD."""

    student: str
    school: str
    origin: Origin
    begin: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A school year or a term of the calendar."""

    key: str
    origin: Origin
    kind: str
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who works for the district, in a role that the district marks: no other goes into the directory."""

    key: str
    origin: Origin
    identifiers: list[Json]
    names: list[Json]
    telecom: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Post:
    """What a Staff does at a school, or where `school` is empty for the whole district."""

    staff: str
    school: str
    origin: Origin
    identifiers: list[Json]
    roles: list[Json]
    active: bool = True
    begin: str | None = None
    end: str | None = None


Fact: TypeAlias = School | Student | Contact | Enrollment | Session | Staff | Post
KINDS = frozenset({"School", "Student", "Contact", "Enrollment", "Staff", "Post"})
"""Kinds of facts that become records."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a refused row still takes away: a restriction, or a loss of authority, that can be read in it."""

    kind: str
    key: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a row: where, which column, what kind of value, and what to do. Never the value.

    `refused`: the row is not taken. `about` is the kind of record and `key` its key where the row tells, so that a
    refused row leaves its record as it was. `kind` is the source's own word for the record.
    """

    origin: Origin
    text: str
    column: str = ""
    refused: bool = False
    about: str = ""
    key: str | None = None
    kind: str = ""

    def __str__(self) -> str:
        where = f"{self.origin}, column {self.column}" if self.column else str(self.origin)
        return f"{where}: {self.text}"
