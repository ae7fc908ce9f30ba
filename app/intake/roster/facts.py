"""The facts of one import on disk rather than in memory: what a reader found, joined and counted there.
https://www.sqlite.org/inmemorydb.html#temp_db

The database has no name: it is a private file that the system has already unlinked, so that no way of ending leaves a
copy of a roster behind. A fact given twice with the same content counts once; with other content neither counts.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson

from app.intake.roster.model import Contact, Enrollment, Fact, Finding, Origin, Post, Takes
from app.intake.roster.units import digest

T = TypeVar("T", bound=Fact)
_TURNS = re.compile(rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
"""U+202A to U+202E and U+2066 to U+2069 as UTF-8: a name with one of them shows as another."""
_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE fact (
    kind TEXT, key TEXT, file TEXT, line INT, digest TEXT, body BLOB, refused INT DEFAULT 0, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE spoken (kind TEXT, key TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE taken (kind TEXT, key TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE leaving (kind TEXT, person TEXT, PRIMARY KEY (kind, person)) WITHOUT ROWID;
CREATE TABLE statement (kind TEXT, key TEXT, id TEXT, wrote BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE todo (kind TEXT, bucket TEXT, key TEXT, act TEXT, PRIMARY KEY (kind, bucket, key)) WITHOUT ROWID;
BEGIN;
"""
Report = Callable[[Finding], None]


class RosterFacts:
    """What a reader found: facts, findings, and the keys of refused rows."""

    def __init__(self, report: Report = lambda _: None) -> None:
        self.db = sqlite3.connect("", isolation_level=None)
        self.db.executescript(_TABLES)
        self._report = report
        self.unattributed: set[str] = set()
        """Kinds of which a row was refused without telling whom it is about: nothing of them counts as gone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.db.close()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Read something that may turn out not to suffice: then nothing of it is kept or told."""
        report, held = self._report, list[Finding]()
        self._report = held.append
        try:
            yield
        except BaseException:
            for table in ("fact", "spoken", "taken", "leaving"):
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module
            self.unattributed.clear()
            held.clear()
            raise
        finally:
            self._report = report
            for finding in held:
                report(finding)

    def add(self, fact: Fact) -> None:
        """Take a fact in. One that contradicts another is reported with both lines, and neither is taken."""
        kind, key, body = type(fact).__name__, key_of(fact), _body(fact)
        mark, text = digest({k: v for k, v in body.items() if k != "origin"}), orjson.dumps(body)
        row = self.db.execute("SELECT file, line, digest FROM fact WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        if row is None:
            place = (fact.origin.file, fact.origin.line)
            self.db.execute(
                "INSERT INTO fact (kind, key, file, line, digest, body) VALUES (?, ?, ?, ?, ?, ?)",
                (kind, key, *place, mark, text),
            )
            if _TURNS.search(text):
                self.find(Finding(fact.origin, "A text of it turns the direction of writing. It is kept as it is."))
        elif row[2] == mark:
            self.find(Finding(fact.origin, f"This {kind} repeats {Origin(row[0], row[1])}. It is taken once."))
        else:
            self.contradicts(fact, Origin(row[0], row[1]))

    def contradicts(self, fact: Fact, other: Origin) -> None:
        """Refuse a fact and the one of the same key at `other`. What either of them takes away still counts."""
        kind, key = type(fact).__name__, key_of(fact)
        text = (
            f"This {kind} contradicts the one in {other}: the same id with other content. Neither is taken; mend one."
        )
        self.find(Finding(fact.origin, text, refused=True, about=kind, key=key))
        if isinstance(fact, Contact):
            before = self.get(Contact, key)
            if any(c is not None and (c.restricted or c.authority is False or not c.active) for c in (fact, before)):
                self.take(Takes(kind, key, fact.origin))
        self.db.execute("UPDATE fact SET refused = 1 WHERE kind = ? AND key = ?", (kind, key))

    def find(self, finding: Finding) -> None:
        """Report a finding, and keep what a refused row is about, so that its record stays as it was."""
        self._report(finding)
        if not finding.refused or not finding.about:
            return
        if finding.key is None:
            self.unattributed.add(finding.about)
        else:
            self.db.execute("INSERT OR IGNORE INTO spoken VALUES (?, ?)", (finding.about, finding.key))

    def take(self, takes: Takes) -> None:
        """Keep that a refused row takes away an authority."""
        self.db.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", (takes.kind, takes.key))
        self.db.execute("INSERT OR IGNORE INTO spoken VALUES (?, ?)", (takes.kind, takes.key))

    def leave(self, kind: str, person: str) -> None:
        """Keep that a source which tells of changes says that a Student is gone, or a Contact.

        A Contact is gone of every student, or of one alone: `student/contact`. Ids of the two may be the same.
        """
        self.db.execute("INSERT OR IGNORE INTO leaving VALUES (?, ?)", (kind, person))

    def refuse(self, kind: str, key: str) -> None:
        """Take a fact out again, its record stays as it was."""
        self.db.execute("UPDATE fact SET refused = 1 WHERE kind = ? AND key = ?", (kind, key))
        self.db.execute("INSERT OR IGNORE INTO spoken VALUES (?, ?)", (kind, key))

    def get(self, kind: type[T], key: str) -> T | None:
        """The fact of a key, or None."""
        query = "SELECT body FROM fact WHERE kind = ? AND key = ?"
        row = self.db.execute(query, (kind.__name__, key)).fetchone()
        return _fact(kind, row[0]) if row else None

    def all(self, kind: type[T]) -> Iterator[T]:
        """The facts of a kind by key, without the refused ones."""
        query = "SELECT body FROM fact WHERE kind = ? AND NOT refused ORDER BY key"
        for (body,) in self.db.execute(query, (kind.__name__,)):
            yield _fact(kind, body)

    def starting(self, kind: type[T], prefix: str) -> Iterator[T]:
        """The facts of a kind whose keys begin so, without the refused ones."""
        query = "SELECT body FROM fact WHERE kind = ? AND key >= ? AND key < ? AND NOT refused ORDER BY key"
        for (body,) in self.db.execute(query, (kind.__name__, prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))):
            yield _fact(kind, body)

    def spoken(self, kind: str) -> Iterator[str]:
        """The keys of refused rows: their records stay as they were."""
        return (key for (key,) in self.db.execute("SELECT key FROM spoken WHERE kind = ?", (kind,)).fetchall())

    def keys(self, kind: str) -> Iterator[str]:
        """The keys of a kind that the source speaks of: of what is taken, and of what was refused."""
        query = "SELECT key FROM fact WHERE kind = ? UNION SELECT key FROM spoken WHERE kind = ? ORDER BY key"
        return (key for (key,) in self.db.execute(query, (kind, kind)))

    def taken(self, kind: str) -> Iterator[str]:
        """The keys of which a refused row takes away an authority."""
        return (key for (key,) in self.db.execute("SELECT key FROM taken WHERE kind = ? ORDER BY key", (kind,)))

    def count(self, kind: str) -> int:
        """How many facts of a kind are taken."""
        query = "SELECT count(*) FROM fact WHERE kind = ? AND NOT refused"
        return int(self.db.execute(query, (kind,)).fetchone()[0])


def contradiction(kind: str, other: Origin) -> str:
    """What is said of a record that contradicts another of the same key."""
    return f"This {kind} contradicts the one in {other}: same id, other content. Neither is taken. Mend one of them."


def key_of(fact: Fact) -> str:
    """What tells a fact from the others of its kind."""
    if isinstance(fact, Contact):
        return f"{fact.student}/{fact.key}"
    if isinstance(fact, Enrollment):
        return f"{fact.school}/{fact.student}/{fact.begin or ''}"
    if isinstance(fact, Post):
        return f"{fact.school}/{fact.staff}"
    return fact.key


def _body(fact: Fact) -> dict[str, Any]:
    return {f.name: getattr(fact, f.name) for f in fields(fact)}


def _fact(kind: type[T], body: bytes) -> T:
    given = orjson.loads(body)
    return kind(**{**given, "origin": Origin(**given["origin"])})
