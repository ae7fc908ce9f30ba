"""The rows of a OneRoster package, checked one by one and kept on disk for the joining.
docs/roster-refusals.md
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol, TypeAlias

import orjson

from app.errors import HallpassError, Kind
from app.intake.oneroster.columns import ALSO, COLUMNS, NEEDED, OPEN, ORG_TYPES, ROLES
from app.intake.oneroster.package import READ, Package
from app.intake.roster.facts import RosterFacts, contradiction
from app.intake.roster.model import Finding, Origin
from app.intake.roster.source import OnBytes
from app.intake.roster.units import digest
from app.intake.tables import Row, Table, read

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE row (
    file TEXT, id TEXT, user TEXT, line INT, digest TEXT, gone INT, clash INT DEFAULT 0, body BLOB,
    PRIMARY KEY (file, id)
) WITHOUT ROWID;
CREATE INDEX row_user ON row (file, user);
CREATE TABLE agent (student TEXT, agent TEXT, said TEXT, PRIMARY KEY (student, agent, said)) WITHOUT ROWID;
BEGIN;
"""
_DAMAGED = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")
"""What a spreadsheet makes of a long number."""
_UNREAD = frozenset({"password", "username"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


PULLED = "pulled"
"""The mode of records that a service answered with all there is: each states its status, and is no file's row."""


Fault: TypeAlias = tuple[str, str]
"""A column, and what is wrong in it in words without the value."""


class Given(Protocol):
    """What rows come from: its version, and how each file comes (bulk, delta or PULLED)."""

    @property
    def version(self) -> str:
        """1.1 or 1.2."""

    @property
    def modes(self) -> dict[str, str]:
        """File -> how it comes."""


class Rows:
    """The rows of the files that matter, by file and sourcedId.

    `live`: they are records of a service, which may change while they are read: the later one counts.
    """

    def __init__(self, facts: RosterFacts, *, live: bool = False) -> None:
        self.db = sqlite3.connect("", isolation_level=None)
        self.db.executescript(_TABLES)
        self._facts = facts
        self._live = live
        self._warned: set[tuple[str, str]] = set()
        self.unreadable: set[str] = set()
        """Files of which a row was refused without telling whom it is about."""

    def read(self, package: Package, on_bytes: OnBytes) -> None:
        """Read the files of a package. Raises HallpassError where a file as a whole is unfit."""
        for name in (n for n in READ if n in package.modes):
            with package.open(name) as file:
                table = read(file, f"{name}.csv", on_bytes, self._facts.find)
                self._header(name, table, package.version)
                for line, row in table.rows:
                    self.take(name, line, row, package)
                if table.ragged:
                    self.unreadable.add(name)
                if table.empty:
                    self._warn(name, "", f"{table.empty} empty rows are passed over.", Origin(table.name))

    def place(self, name: str, line: int) -> Origin:
        """Where a row stands, for people."""
        return Origin(name if self._live else f"{name}.csv", line)

    def ids(self, name: str) -> Iterator[tuple[str, bool]]:
        """The ids of a file's rows, and whether each is gone."""
        query = "SELECT id, gone FROM row WHERE file = ? ORDER BY id"
        return ((id_, bool(gone)) for id_, gone in self.db.execute(query, (name,)).fetchall())

    def agents(self) -> list[tuple[str, str]]:
        """Who stands to whom: of each pair one is the student, if either is."""
        query = "SELECT DISTINCT student, agent FROM agent ORDER BY student, agent"
        return [(student, agent) for student, agent in self.db.execute(query).fetchall()]

    def _header(self, name: str, table: Table, version: str) -> None:
        """Columns by name. Raises HallpassError where one is missing without which the file cannot be read."""
        known = COLUMNS[name].get(version, COLUMNS[name].get("1.2", ()))
        exact = {c.lower(): c for c in known}
        spelled = [exact.get(h.lower(), h) for h in table.header]
        if name == "demographics" and "sourcedId" not in spelled:
            spelled = ["sourcedId" if h == "userSourcedId" else h for h in spelled]
        missing = [c for c in (*NEEDED[name], *ALSO.get((name, version), ())) if c not in spelled]
        if missing:
            text = f"{table.name}: the column {', '.join(missing)} is missing in a package of version {version}."
            raise HallpassError(Kind.INVALID, text)
        origin = Origin(table.name, 1)
        for old, new in zip(table.header, spelled, strict=True):
            if old != new:
                self._warn(name, old, f"The column is read as {new}.", origin)
            elif new not in known and not new.startswith("metadata."):
                self._warn(name, old[:40], "This column is unknown. Its values are not read.", origin)
        for column in known:
            if column not in spelled:
                self._warn(name, column, "This column is missing. It counts as empty.", origin)
        table.header[:] = spelled

    def take(self, name: str, line: int, row: Row, package: Given, more: Sequence[Fault] = ()) -> None:
        """Keep a row, unless it has faults, or `more` of them are known: then each is told."""
        origin = self.place(name, line)
        known = {column for column, _ in more}
        faults = [*more, *(f for f in _faults(name, row, package) if not known & {f[0], ""})]
        if faults:
            for column, text in faults:
                self._facts.find(Finding(origin, text, column, refused=True, kind=name))
            self.unreadable.add(name)
            return
        bulk = package.modes[name] == "bulk"
        if bulk and (row.get("status") or row.get("dateLastModified")):
            self._warn(
                name, "status", "A bulk file leaves status and dateLastModified empty. They are not used.", origin
            )
        if row.get("password"):
            self._warn(name, "password", "Passwords are in the file. They are not read. Take them out of it.", origin)
        if name == "users" and row.get("enabledUser", "true").lower() not in ("true", "false"):
            self._facts.find(Finding(origin, "This is neither true nor false. The user is taken.", "enabledUser"))
        gone = row.get("status", "") == "tobedeleted"
        body = {k: v for k, v in row.items() if v and k not in _UNREAD}
        user = row.get("userSourcedId") or (row["sourcedId"] if name in ("users", "demographics") else "")
        self._keep(name, origin, (row["sourcedId"], user), body, gone=gone)
        if name == "users" and not gone:
            self._agents(row)

    def _keep(self, name: str, origin: Origin, ids: tuple[str, str], body: Row, *, gone: bool) -> None:
        mark = digest(body)
        query = "SELECT line, digest FROM row WHERE file = ? AND id = ?"
        before = self.db.execute(query, (name, ids[0])).fetchone()
        if before is not None and self._live:
            self.db.execute("DELETE FROM row WHERE file = ? AND id = ?", (name, ids[0]))
            if name == "users":
                self.db.execute("DELETE FROM agent WHERE said = ?", (ids[0],))
            before = None
        if before is None:
            row = (name, *ids, origin.line, mark, gone, orjson.dumps(body))
            self.db.execute(
                "INSERT INTO row (file, id, user, line, digest, gone, body) VALUES (?, ?, ?, ?, ?, ?, ?)", row
            )
        elif before[1] == mark:
            self._facts.find(Finding(origin, f"This row repeats line {before[0]}. It is taken once.", "sourcedId"))
        else:
            text = contradiction("row", Origin(origin.file, before[0]))
            self._facts.find(Finding(origin, text, "sourcedId", refused=True, kind=name))
            self._facts.find(
                Finding(Origin(origin.file, before[0]), contradiction("row", origin), "sourcedId", True, kind=name)
            )
            self.db.execute("UPDATE row SET clash = 1 WHERE file = ? AND id = ?", (name, ids[0]))
            self.unreadable.add(name)

    def _agents(self, row: Row) -> None:
        """Who stands to whom, both ways: which of the two is the student is seen when all is read."""
        for agent in items(row.get("agentSourcedIds", "")):
            for pair in ((row["sourcedId"], agent), (agent, row["sourcedId"])):
                self.db.execute("INSERT OR IGNORE INTO agent VALUES (?, ?, ?)", (*pair, row["sourcedId"]))

    def _warn(self, name: str, column: str, text: str, origin: Origin) -> None:
        """Warn once for a file and column."""
        if (name, column) not in self._warned:
            self._warned.add((name, column))
            self._facts.find(Finding(origin, text, column))


def items(cell: str) -> list[str]:
    """The items of a list in a cell."""
    return [item.strip() for item in cell.split(",") if item.strip()]


def day(text: str) -> str | None:
    """A date as YYYY-MM-DD; None for any other text."""
    try:
        return date.fromisoformat(text).isoformat() if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _faults(name: str, row: Row, package: Given) -> Iterator[Fault]:
    """Every fault of a row that refuses it: the column, and what is wrong in words without the value."""
    status = row.get("status", "")
    if status not in ("", "active", "tobedeleted"):
        yield "status", "This is neither active nor tobedeleted."
    if package.modes[name] == "delta":
        yield from (
            (c, "A delta file states this in every row.") for c in ("status", "dateLastModified") if not row.get(c)
        )
    if status == "tobedeleted":
        needed: tuple[str, ...] = ("sourcedId",)
    else:
        needed = (*NEEDED[name], *ALSO.get((name, package.version), ()))
    yield from ((c, "This cell is empty, and the row cannot be taken without it.") for c in needed if not row.get(c))
    for column in ("sourcedId", "identifier", "userSourcedId", "schoolSourcedId", "orgSourcedId"):
        if _DAMAGED.fullmatch(row.get(column, "")):
            yield column, "A spreadsheet has turned this id into a number. Export it as text."
    yield from _words(name, row, is_open=package.version != "1.1")


def _words(name: str, row: Row, *, is_open: bool) -> Iterator[Fault]:
    """Faults of words and dates: none is guessed. `is_open`: the version lets a district have words of its own."""
    if (role := row.get("role")) and role not in ROLES and not (is_open and OPEN.fullmatch(role)):
        yield "role", "This is no role of OneRoster, as spelled there. A role is not guessed."
    kind = row.get("type", "") if name == "orgs" else ""
    if kind and kind not in ORG_TYPES and not (is_open and OPEN.fullmatch(kind)):
        yield "type", "This is no type of organization of OneRoster. A type is not guessed."
    for column in ("beginDate", "endDate", "startDate"):
        if row.get(column) and day(row[column]) is None:
            yield column, "This is no date. Write it as 2014-11-13."
