"""Reads the CSV of Microsoft's School Data Sync, versions 2 and 2.1, as rows of OneRoster 1.2.
https://learn.microsoft.com/schooldatasync/sds-v2.1-csv-file-format

It has no manifest, so nobody can tell if it is whole: it is read only where it is asked for by its name. Its words are
read in any case of their letters; a role that is none of OneRoster's is a role of staff.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar

from app.errors import HallpassError, Kind
from app.intake.oneroster import people
from app.intake.oneroster.columns import GUARDIANS, ORG_TYPES, RACES, ROLES
from app.intake.oneroster.joining import Joining, district_of
from app.intake.oneroster.package import Package, files
from app.intake.oneroster.rows import Rows
from app.intake.roster.facts import RosterFacts
from app.intake.roster.marked import Marked
from app.intake.roster.model import Finding, Origin
from app.intake.roster.source import About, OnBytes
from app.intake.roster.units import Json
from app.intake.tables import Row, read

NAME = "sds"
_READ = ("orgs", "academicSessions", "users", "roles", "demographics", "relationships")
_NEEDED = {
    "orgs": ("sourcedId", "name", "type"),
    "academicSessions": ("sourcedId", "type", "startDate", "endDate"),
    "users": ("sourcedId", "givenName", "familyName"),
    "roles": ("userSourcedId", "orgSourcedId", "role"),
    "demographics": ("userSourcedId",),
    "relationships": ("userSourcedId", "relationshipUserSourcedId", "relationshipRole"),
}
_PLACES = frozenset({"school", "college", "university"})
"""Types of orgs at which somebody is a student."""


@dataclass(frozen=True, slots=True)
class SchoolDataSync:
    """A zip or folder, and the district that it is of: the format does not tell."""

    continues: ClassVar[bool] = False
    path: Path
    district: str
    staff: Marked = ()
    name: str = NAME

    def open(self, last: Json | None = None) -> _Opened:
        """The files. Raises HallpassError where there is none of these formats."""
        members = files(self.path)
        missing = [f"{n}.csv" for n in ("orgs", "users") if n not in members]
        if missing:
            text = f"There is no {' and no '.join(missing)}. Give School Data Sync files of version 2 or 2.1."
            raise HallpassError(Kind.INVALID, text)
        sizes = {name: size for name, (_, size) in members.items()}
        package = Package(self.path, "1.2", {}, {name: member for name, (member, _) in members.items()}, sizes)
        return _Opened(self, package)


@dataclass(frozen=True, slots=True)
class _Opened:
    source: SchoolDataSync
    package: Package

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return self.package.size(n for n in _READ if n in self.package.members)

    def fingerprint(self) -> str:
        """Of all that is read, and of how it is read."""
        return self.package.fingerprint(self.source.district, self.source.staff)

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it. Raises HallpassError where a file is unfit."""
        rows = Rows(facts)
        try:
            _Reading(self.package, rows, facts, on_bytes).take()
            district = district_of(rows, self.source.district)
            Joining(rows, facts, people.Ids(district), today, False, self.source.staff).join()
        finally:
            rows.db.close()
        unread = sorted(set(self.package.members) - set(_READ) - {"enrollments", "classes"})
        remarks = [f"not read: {', '.join(unread)}."] if unread else []
        return About("School Data Sync", district, complete=True, remarks=tuple(remarks))


@dataclass(slots=True)
class _Reading:
    """Takes the rows of each file in as those of the file of OneRoster that says the same."""

    package: Package
    rows: Rows
    facts: RosterFacts
    on_bytes: OnBytes
    version: str = "1.2"
    modes: dict[str, str] = field(default_factory=lambda: dict.fromkeys(_NEEDED, "bulk"))

    def take(self) -> None:
        """Users and roles wait for what other files say of them."""
        for name in ("orgs", "academicSessions", "demographics"):
            for line, row in self._rows(name):
                self.rows.take(name, line, _ROW[name](row), self)
        agents: dict[str, list[str]] = {}
        for line, row in self._rows("relationships"):
            if row["relationshipRole"].lower() not in GUARDIANS:
                text = "This is neither parent, guardian nor relative. A relation is not guessed."
                where = Origin("relationships.csv", line)
                self.facts.find(Finding(where, text, "relationshipRole", refused=True, about="Contact"))
                continue
            agents.setdefault(row["userSourcedId"], []).append(row["relationshipUserSourcedId"])
            self._role("relationships", line, row["relationshipUserSourcedId"], row["relationshipRole"], row)
        grades: dict[str, str] = {}
        for line, row in self._rows("roles"):
            self._role("roles", line, row["userSourcedId"], row["role"], row)
            grades.setdefault(row["userSourcedId"], row.get("grade", ""))
        for line, row in self._rows("users"):
            own = row["sourcedId"]
            found = {**row, "agentSourcedIds": ",".join(agents.get(own, ())), "enabledUser": "true"}
            found["grades"] = row.get("grade", "") or grades.get(own, "")
            word = found.pop("role", "")
            self.rows.take("users", line, found, self)
            if word:  # version 2 has the role here
                self._role("users", line, own, word, row)

    def _role(self, name: str, line: int, user: str, word: str, row: Row) -> None:
        """One role at each of its orgs. A word that OneRoster does not have is a role of staff."""
        role = word.lower()
        if role and role not in ROLES:
            role = f"ext:{role}"
        for org in [o.strip() for o in row.get("orgSourcedIds", row.get("orgSourcedId", "")).split(",")]:
            found = {
                "sourcedId": f"{name}#{line}#{org}",
                "userSourcedId": user,
                "role": role,
                "orgSourcedId": org or ("-" if role in GUARDIANS else ""),
                "beginDate": row.get("roleStartDate", ""),
                "endDate": row.get("roleEndDate", ""),
            }
            self.rows.take("roles", line, found, self)

    def _rows(self, name: str) -> Iterator[tuple[int, Row]]:
        if name not in self.package.members:
            return
        with self.package.open(name) as file:
            table = read(file, f"{name}.csv", self.on_bytes, self.facts.find)
            missing = [c for c in _NEEDED[name] if c not in table.header]
            if missing:
                text = f"{table.name}: the column {', '.join(missing)} is missing. This is no School Data Sync file."
                raise HallpassError(Kind.INVALID, text)
            if "password" in table.header:
                text = "Passwords are in the file. They are not read. Take them out of it."
                self.facts.find(Finding(Origin(table.name, 1), text, "password"))
            for line, row in table.rows:
                yield line, {k: v for k, v in row.items() if k != "password"}
            if table.ragged:
                self.rows.unreadable.add("users" if name == "relationships" else name)


def _org(row: Row) -> Row:
    kind = row["type"].lower()
    kind = "school" if kind in _PLACES else kind
    return {**row, "type": kind if kind in ORG_TYPES or not kind else "ext:" + "".join(c for c in kind if c.isalnum())}


def _demographics(row: Row) -> Row:
    """Lists of codes as the flags of OneRoster; the sourcedId is the user's."""
    races = {c.strip().lower() for c in row.get("raceCodes", "").split(",")}
    hispanic = "hispanicorlatinoethnicity" in row.get("ethnicityCodes", "").lower()
    found = {"sourcedId": row["userSourcedId"], "sex": row.get("sex", ""), "birthDate": row.get("birthDate", "")}
    found |= {flag: "true" for flag in RACES if flag.lower() in races}
    return found | ({"hispanicOrLatinoEthnicity": "true"} if hispanic else {})


_ROW = {"orgs": _org, "academicSessions": lambda row: row, "demographics": _demographics}
