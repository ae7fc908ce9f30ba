"""Joins the rows of OneRoster into the facts of a roster: who is one child, who stands to whom, who is enrolled.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv and docs/roster-model.md

One child may have several users: they are one by the state's or the district's id, never by name. A guardian has no
authority by a role of OneRoster: `hallpass guardians mark` gives it, or a person over the API.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import orjson

from app.errors import HallpassError, Kind
from app.intake.oneroster import people
from app.intake.oneroster.columns import CONTACT_IDS, GUARDIANS, STAFF_IDS, STUDENT_IDS
from app.intake.oneroster.rows import Rows, items
from app.intake.roster.facts import RosterFacts, contradiction
from app.intake.roster.marked import Marked, is_marked
from app.intake.roster.model import KINDS, Enrollment, Finding, Origin, School, Session, Student
from app.intake.roster.units import Json
from app.intake.roster.years import Span, enrolled
from app.intake.tables import Row


@dataclass(slots=True)
class User:
    """A row of users.csv with the roles that it has."""

    id: str
    origin: Origin
    row: Row
    gone: bool
    clash: bool
    roles: list[Row]

    def is_a(self, *names: str) -> str | None:
        """The first of the roles that it has."""
        return next((n for n in names if any(r["role"] == n for r in self.roles)), None)


@dataclass(slots=True)
class Joining:
    rows: Rows
    facts: RosterFacts
    ids: people.Ids
    today: date
    delta: bool
    marked: Marked
    years: list[Span] = field(default_factory=list)
    orgs: dict[str, str] = field(default_factory=dict)
    """The type of each org."""
    one_way: bool = False

    def join(self) -> None:
        """Make the facts."""
        for id_, line, row in self._rows("academicSessions"):
            if row.get("type") == "schoolYear":
                origin = self.rows.place("academicSessions", line)
                self.facts.add(Session(id_, origin, "schoolYear", row["startDate"], row["endDate"]))
                self.years.append((row["startDate"], row["endDate"]))
        for id_, line, row in self._rows("orgs"):
            self.orgs[id_] = row["type"]
            if row["type"] == "school":
                self.facts.add(School(id_, self.rows.place("orgs", line), self.ids.school(id_), row["name"]))
        self._students()
        self._contacts()
        self._staff()
        self._spare()

    def _students(self) -> None:
        """Each child once, with every sourcedId that it has. Two children with one id are refused, both."""
        db = self.facts.db
        db.execute("CREATE TEMP TABLE child (key TEXT, id TEXT PRIMARY KEY)")
        for user in self._users():
            if user.gone and self.delta:
                self.facts.leave("Student", self.ids.key(user.row, user.id, STUDENT_IDS))
                self.facts.leave("Contact", self.ids.key(user.row, user.id, CONTACT_IDS))
            elif user.is_a("student"):
                key = self.ids.key(user.row, user.id, STUDENT_IDS)
                if user.clash:
                    self.facts.refuse("Student", key)
                elif not user.gone:
                    db.execute("INSERT INTO child VALUES (?, ?)", (key, user.id))
        for key, ids in db.execute("SELECT key, json_group_array(id) FROM child GROUP BY key ORDER BY key").fetchall():
            self._child(key, [u for one in sorted(orjson.loads(ids)) if (u := self._user(one))])

    def _child(self, key: str, users: list[User]) -> None:
        found: list[Student] = []
        spans: dict[str, list[Span]] = {}
        for user in users:
            for school, span in () if self.delta else self._times(user):
                spans.setdefault(school, []).append(span)
            demographics = self._demographics(user.id)
            found.append(
                people.student(key, user.origin, user.row, demographics, self.ids, self.facts.find, self.today)
            )
        first = found[0]
        for other in found[1:]:
            if _person(other) != _person(first):
                text = contradiction("child", first.origin)
                for one, words in ((other.origin, text), (first.origin, contradiction("child", other.origin))):
                    self.facts.find(Finding(one, words, "identifier", True, "Student", key))
                return
        periods = [_span(times) for times in spans.values()]
        identifiers = [*first.identifiers, *(i for s in found[1:] for i in s.identifiers[1:])]
        self.facts.add(people.merged(found, identifiers, enrolled(periods, self.years, self.today)))
        for school, times in spans.items():
            self.facts.add(Enrollment(key, school, first.origin, *_span(times)))

    def _times(self, user: User) -> Iterator[tuple[str, Span]]:
        """Where and when a student is enrolled: by its enrollments, or where it has none by its roles."""
        found = [
            (row["schoolSourcedId"], (row.get("beginDate"), row.get("endDate")))
            for row in self._of_user("enrollments", user.id)
            if row["role"] == "student"
        ]
        if not found:
            found = [
                (role["orgSourcedId"], (role.get("beginDate"), role.get("endDate")))
                for role in user.roles
                if role["role"] == "student"
            ]
        for school, span in found:
            if school not in self.orgs:
                text = "The school is not among the orgs. The enrollment is not taken."
                self.facts.find(Finding(user.origin, text, "schoolSourcedId"))
            else:
                yield school, span

    def _contacts(self) -> None:
        for student_id, agent_id in self.rows.agents():
            student, agent = self._user(student_id), self._user(agent_id)
            if student is None or not student.is_a("student") or student.gone or student.clash:
                continue
            if agent is None:
                text = "An agent is not among the users. No authority comes from a row that is missing."
                self.facts.find(Finding(student.origin, text, "agentSourcedIds"))
            elif agent.clash:
                self.facts.unattributed.add("Contact")
            elif not agent.gone and (role := agent.is_a(*GUARDIANS)):
                key = self.ids.key(student.row, student.id, STUDENT_IDS)
                self._one_way(student, agent)
                self._contact(key, agent, role)

    def _one_way(self, student: User, agent: User) -> None:
        """Say once that only the guardians' rows name the students: vendors fill one direction or the other."""
        if not self.one_way and agent.id not in items(student.row.get("agentSourcedIds", "")):
            self.one_way = True
            text = "Guardians name students who do not name them. Both directions are read."
            self.facts.find(Finding(agent.origin, text, "agentSourcedIds"))

    def _contact(self, student: str, agent: User, role: str) -> None:
        fact = people.contact(student, agent.origin, agent.id, agent.row, role, self.ids)
        if self.facts.get(type(fact), f"{student}/{fact.key}") is None:  # a child with several ids names it again
            self.facts.add(fact)

    def _staff(self) -> None:
        """Those in a role that the district marks."""
        for user in self._users() if self.marked else ():
            key = self.ids.key(user.row, user.id, STAFF_IDS)
            if user.gone and self.delta:
                self.facts.leave("Staff", key)
                self.facts.leave("Post", key)
            elif user.clash:
                self.facts.unattributed |= {"Staff", "Post"}
            elif not user.gone and (roles := [r for r in user.roles if is_marked(r["role"], self.marked)]):
                self.facts.add(people.staff(key, user.origin, user.row, self.ids))
                if not self.delta:  # it does not tell what else somebody does
                    self._posts(key, user.origin, roles)

    def _posts(self, key: str, origin: Origin, roles: list[Row]) -> None:
        places: dict[str, list[Row]] = {}
        for one in roles:
            places.setdefault(one["orgSourcedId"], []).append(one)
        for org, held in sorted(places.items()):
            if self.orgs.get(org) not in ("school", "district"):
                text = "The org is neither a school nor the district. What is done there is not taken."
                self.facts.find(Finding(origin, text, "orgSourcedId"))
                continue
            place = org if self.orgs[org] == "school" else ""
            span = _span([(r.get("beginDate"), r.get("endDate")) for r in held])
            self.facts.add(people.post(key, place, origin, [r["role"] for r in held], span, self.ids, self.today))

    def _spare(self) -> None:
        """Where a row could not be told to be about anybody, nobody of its kind counts as gone."""
        if self.rows.unreadable & {"users", "roles"}:
            self.facts.unattributed |= KINDS - {"School"}
        if "enrollments" in self.rows.unreadable:
            self.facts.unattributed.add("Enrollment")
        if "orgs" in self.rows.unreadable:
            self.facts.unattributed |= {"School", "Enrollment"}

    def _rows(self, name: str) -> Iterator[tuple[str, int, Row]]:
        query = "SELECT id, line, body FROM row WHERE file = ? AND NOT gone AND NOT clash ORDER BY id"
        for id_, line, body in self.rows.db.execute(query, (name,)).fetchall():
            yield id_, line, orjson.loads(body)

    def _of_user(self, name: str, user: str) -> list[Row]:
        query = "SELECT body FROM row WHERE file = ? AND user = ? AND NOT gone AND NOT clash ORDER BY id"
        return [orjson.loads(body) for (body,) in self.rows.db.execute(query, (name, user))]

    def _demographics(self, user: str) -> Row:
        return next(iter(self._of_user("demographics", user)), {})

    def _users(self) -> Iterator[User]:
        for (id_,) in self.rows.db.execute("SELECT id FROM row WHERE file = 'users' ORDER BY id"):
            if user := self._user(id_):
                yield user

    def _user(self, id_: str) -> User | None:
        query = "SELECT line, gone, clash, body FROM row WHERE file = 'users' AND id = ?"
        row = self.rows.db.execute(query, (id_,)).fetchone()
        if row is None:
            return None
        line, gone, clash, body = row
        held: Row = orjson.loads(body)
        roles = self._of_user("roles", id_)
        if "role" in held:
            roles += [{"role": held["role"], "orgSourcedId": org} for org in items(held.get("orgSourcedIds", ""))] or [
                {"role": held["role"], "orgSourcedId": ""}
            ]
        return User(id_, self.rows.place("users", line), held, bool(gone), bool(clash), roles)


def _person(student: Student) -> tuple[Json, str | None]:
    """What makes two users one child: the name, compared in one form of Unicode, and the birth date."""
    name = orjson.dumps(student.names[0]).decode()
    return {"name": unicodedata.normalize("NFC", name)}, student.birth_date


def _span(times: list[Span]) -> Span:
    """From the first begin to the last end; open where one of them is."""
    begins, ends = [b for b, _ in times if b], [e for _, e in times]
    return min(begins, default=None), None if None in ends else max(e for e in ends if e)


def district_of(rows: Rows, wanted: str | None) -> str:
    """Whose package it is: the identifier of its one district, or what is given."""
    found = sorted(
        {
            str(orjson.loads(body).get("identifier") or id_)
            for id_, body in rows.db.execute("SELECT id, body FROM row WHERE file = 'orgs' AND NOT gone")
            if orjson.loads(body).get("type") == "district"
        }
    )
    if wanted is None and len(found) != 1:
        named = ", ".join(found[:5]) or "none"
        raise HallpassError(Kind.INVALID, f"Say which district this is with --district; the orgs have {named}.")
    district = wanted or found[0]
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", district) or (found and wanted and wanted not in found):
        raise HallpassError(Kind.INVALID, "The source is not of that district.")
    return district
