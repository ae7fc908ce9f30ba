"""Reads an Ed-Fi ODS/API into the facts of a roster: all there is, or what changed.
https://docs.ed-fi.org/reference/ods-api/client-developers-guide/using-the-changed-record-queries

A pull of changes takes people, contacts and enrollments with all that is said of each. Where an enrollment was taken
back or has another key, or something of the staff changed that the district marks, it becomes a pull of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import httpx

from app.errors import HallpassError, Kind
from app.intake.edfi.api import Api, SnapshotGone, root
from app.intake.edfi.joining import agency_of, clashes, join, stage
from app.intake.edfi.reader import NAME
from app.intake.edfi.records import record_of, takes_authority
from app.intake.edfi.shapes import ASSIGNMENT
from app.intake.edfi.staging import Staging
from app.intake.pull.authorize import auth_of
from app.intake.pull.credentials import Credentials
from app.intake.pull.provider import Provider, require_address
from app.intake.roster.facts import RosterFacts
from app.intake.roster.marked import Marked
from app.intake.roster.model import KINDS, Finding, Origin, Takes
from app.intake.roster.source import About, OnBytes
from app.intake.roster.units import Json

FULL_EVERY = timedelta(days=6, hours=20)
"""After so long a pull is of everything."""
MAX_SINGLE = 200
"""Students whom a pull of changes asks for one by one; where it would be more, everything is pulled."""
STAFF_RESOURCES = {"staffs": "Staff", "staffEducationOrganizationAssignmentAssociations": ASSIGNMENT}
WHOLE = ("localEducationAgencies", "schools", "sessions")
"""Few enough to be read whole in each pull."""
PULLS = 3
"""So often a pull begins again where the data moved under it."""
NewClient = Callable[[], httpx.Client]


class _Everything(Exception):
    """Changes alone do not tell what is to be known: everything is pulled."""


class _Moved(Exception):
    """Rows were deleted while pages were counted by offset: some may have been lost."""


@dataclass(frozen=True, slots=True)
class EdFiService:
    """An API by its root, and the LocalEducationAgencyId that is meant where it has several."""

    continues: ClassVar[bool] = True
    url: str
    credentials: Credentials
    agency: str | None = None
    full: bool = False
    staff: Marked = ()
    client: NewClient = httpx.Client
    backoff: float = 0.5
    name: str = NAME

    def open(self, last: Json | None = None) -> _Opened:
        """The API. Raises HallpassError where the address is unfit."""
        require_address(self.url)
        return _Opened(self, last or {})


@dataclass(frozen=True, slots=True)
class _Opened:
    source: EdFiService
    last: Json
    size: None = None

    def fingerprint(self) -> None:
        """Not known before it is read."""

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Pull. Raises HallpassError where the API cannot be read to its end, or nobody can tell whose it is."""
        with self.source.client() as http:
            provider = Provider(http, None, on_bytes, backoff=self.source.backoff)
            found = root(provider, self.source.url.rstrip("/"))
            provider.auth = auth_of(self.source.credentials, found.token)
            if self._since() is not None:
                with suppress(_Everything), facts.attempt():
                    return _Pull(self.source, Api(provider, found), facts, self.last).changes(today)
            for _ in range(PULLS):
                with suppress(_Moved, SnapshotGone), facts.attempt():
                    return _Pull(self.source, Api(provider, found), facts, self.last).everything(today)
        text = "The data changed each time that it was read. Pull at night, or ask for snapshots of the API."
        raise HallpassError(Kind.UNAVAILABLE, text)

    def _since(self) -> int | None:
        full = self.last.get("full")
        others = self.last.get("staff", []) != [*self.source.staff]
        if self.source.full or not full or others or datetime.now(UTC) - datetime.fromisoformat(full) > FULL_EVERY:
            return None
        since = self.last.get("version")
        return int(since) if since is not None else None


@dataclass(slots=True)
class _Pull:
    """One pull."""

    source: EdFiService
    api: Api
    facts: RosterFacts
    last: Json
    seen: set[str] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, str]:
        """Resource -> the record that its items are, in the order in which they depend on each other."""
        return {
            "localEducationAgencies": "LocalEducationAgency",
            "schools": "School",
            "sessions": "Session",
            "students": "Student",
            self.api.root.contacts: "Contact",
            "studentEducationOrganizationAssociations": "StudentEducationOrganizationAssociation",
            "studentSchoolAssociations": "StudentSchoolAssociation",
            self.api.root.associations: "StudentContactAssociation",
            **(STAFF_RESOURCES if self.source.staff else {}),
        }

    def everything(self, today: date) -> About:
        """Pull all there is. Raises _Moved, SnapshotGone, and HallpassError."""
        self.api.freeze()
        versions = self.api.newest()
        with Staging(clashes(self.facts)) as staging:
            for resource in self.resources:
                self._take(staging, resource, self.api.all(resource))
            if versions is not None and self.api.by_offset and not self.api.snapshot:
                self._require_still(versions[1])
            mark: Json = {"version": versions[1] if versions else None, "full": datetime.now(UTC).isoformat()}
            mark["staff"] = [*self.source.staff]
            return self._joined(staging, today, True, mark)

    def changes(self, today: date) -> About:
        """Pull what changed. Raises _Everything where that does not suffice, and HallpassError."""
        versions, since = self.api.newest(), int(self.last["version"]) + 1
        if versions is None or versions[0] > since or versions[1] < since - 1:
            raise _Everything
        until = versions[1]
        with Staging(clashes(self.facts)) as staging:
            if until >= since:
                self._changed(staging, since, until)
            for resource in WHOLE:
                self._take(staging, resource, self.api.all(resource))
            return self._joined(staging, today, False, {**self.last, "version": until})

    def _joined(self, staging: Staging, today: date, complete: bool, mark: Json) -> About:
        staging.resolve()
        agency = agency_of(staging, self.source.agency)
        join(staging, agency, self.facts, today, self.source.staff)
        lonely = staging.contacts_of_no_student() if complete else 0
        remarks = (f"not sent: {lonely} Contact that no student has.",) if lonely else ()
        return About(f"Ed-Fi ODS/API {self.api.root.version}", agency, complete, remarks, mark)

    def _require_still(self, version: int) -> None:
        after = self.api.newest()
        if after is None or after[1] == version:
            return
        for resource in self.resources:
            if next(self.api.changed(resource, "deletes", version + 1, after[1]), None) is not None:
                raise _Moved

    def _changed(self, staging: Staging, since: int, until: int) -> None:
        """Everything of the students to whom a change belongs; who was deleted leaves."""
        api = self.api
        for resource in STAFF_RESOURCES if self.source.staff else ():
            for kind in ("deletes", "keyChanges", ""):
                if next(api.changed(resource, kind, since, until), None) is not None:
                    raise _Everything
        students: set[str] = set()
        for resource in (*self._of_student(), api.root.contacts):
            for kind in ("deletes", "keyChanges"):
                for row in api.changed(resource, kind, since, until):
                    self._leaves(resource, row, students)
        for resource in self._of_student():
            students |= {_key(item, "studentUniqueId") for item in api.changed(resource, "", since, until)}
        for item in api.changed(api.root.contacts, "", since, until):
            found = api.where(api.root.associations, **{self._contact_id: _key(item, self._contact_id)})
            students |= {_key(one, "studentUniqueId") for one in found}
        if len(students) > MAX_SINGLE:
            raise _Everything
        self._students(staging, sorted(students))

    @property
    def _contact_id(self) -> str:
        return f"{self.api.root.contacts.removesuffix('s')}UniqueId"

    def _of_student(self) -> tuple[str, ...]:
        return (
            "students",
            "studentEducationOrganizationAssociations",
            "studentSchoolAssociations",
            self.api.root.associations,
        )

    def _leaves(self, resource: str, row: Any, students: set[str]) -> None:
        """Who is gone by a row of deletes or keyChanges."""
        old = row.get("oldKeyValues") or row.get("keyValues") if isinstance(row, dict) else None
        if not isinstance(old, dict) or resource == "studentSchoolAssociations":
            raise _Everything
        student, contact = str(old.get("studentUniqueId", "")), str(old.get(self._contact_id, ""))
        if resource == "students":
            self.facts.leave("Student", student)
        elif resource == self.api.root.contacts:
            self.facts.leave("Contact", contact)
        elif resource == self.api.root.associations:
            self.facts.leave("Contact", f"{student}/{contact}")
        else:
            students.add(student)

    def _students(self, staging: Staging, students: Iterable[str]) -> None:
        api = self.api
        contacts: set[str] = set()
        for student in students:
            for resource in self._of_student():
                found = list(api.where(resource, studentUniqueId=student))
                self._take(staging, resource, found)
                if resource == api.root.associations:
                    contacts |= {_key(i, self._contact_id) for i in found}
        for contact in sorted(contacts):
            self._take(staging, api.root.contacts, api.where(api.root.contacts, **{self._contact_id: contact}))

    def _take(self, staging: Staging, resource: str, items: Iterable[Any]) -> None:
        name = self.resources[resource]
        for item in self._once(items):
            at = self.taken[resource] = self.taken.get(resource, 0) + 1
            origin = Origin(resource, at)
            try:
                record = record_of(name, item)
            except HallpassError as e:
                for issue in e.issues:
                    self.facts.find(Finding(origin, issue.text, issue.expression or "", True, kind=name))
                self.facts.unattributed |= KINDS
                if resource == self.api.root.associations and (key := takes_authority(item)):
                    self.facts.take(Takes("Contact", key, origin))
                continue
            stage(staging, self.facts, origin, name, record)

    def _once(self, items: Iterable[Any]) -> Iterator[Any]:
        """Each item once: a page may repeat what another had. Ids are compared without dashes."""
        for item in items:
            id_ = str(item.get("id", "")).replace("-", "").lower() if isinstance(item, dict) else ""
            if id_ and id_ in self.seen:
                continue
            self.seen.add(id_)
            yield item


def _key(item: Any, name: str) -> str:
    """The key of an item, or of the reference in it. Raises _Everything where it has none."""
    held = item if isinstance(item, dict) else {}
    parts = (held, *(v for v in held.values() if isinstance(v, dict)))
    found = next((str(p[name]) for p in parts if p.get(name)), "")
    if not found:
        raise _Everything
    return found
