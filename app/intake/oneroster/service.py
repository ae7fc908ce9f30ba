"""Reads a OneRoster 1.1 or 1.2 REST service into the facts of a roster: all there is, or what changed.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/rest

A pull of changes takes people. Where an enrollment, a school or the calendar changed, or the service does not tell
changes, it becomes a pull of everything, as it does from time to time anyway: a service may forget to tell a deletion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from app.errors import HallpassError, Kind
from app.intake.oneroster import people
from app.intake.oneroster.joining import Joining, district_of
from app.intake.oneroster.paging import LIMIT, Collection, NotGiven
from app.intake.oneroster.reader import NAME
from app.intake.oneroster.records import COLLECTIONS, row_of
from app.intake.oneroster.rows import PULLED, Rows
from app.intake.pull.authorize import auth_of
from app.intake.pull.credentials import Credentials
from app.intake.pull.provider import Provider, require_address
from app.intake.roster.facts import RosterFacts
from app.intake.roster.marked import Marked
from app.intake.roster.source import About, OnBytes
from app.intake.roster.units import Json

NEEDED = frozenset({"orgs", "users", "enrollments"})
FULL_EVERY = timedelta(hours=20)
"""After so long a pull is of everything."""
CLOCKS = timedelta(minutes=10)
"""By so much the clocks of a service's machines may differ."""
MAX_SINGLE = 200
"""People that a pull of changes asks for one by one; where it would be more, everything is pulled."""
_SCOPES = ("roster-core.readonly", "roster.readonly", "roster-demographics.readonly")
NewClient = Callable[[], httpx.Client]


class _Everything(Exception):
    """Changes alone do not tell what is to be known: everything is pulled."""


@dataclass(frozen=True, slots=True)
class OneRosterService:
    """A service at an address that ends with v1p1 or v1p2, and the district where the service does not tell it."""

    continues: ClassVar[bool] = True
    url: str
    credentials: Credentials
    district: str | None = None
    full: bool = False
    staff: Marked = ()
    limit: int = LIMIT
    client: NewClient = httpx.Client
    backoff: float = 0.5
    name: str = NAME

    @property
    def version(self) -> str:
        """1.1 or 1.2, as the address says. Raises HallpassError where it says neither."""
        found = re.search(r"/v1p([12])$", self.url.rstrip("/"))
        if found is None:
            text = "The address of a OneRoster service ends with /ims/oneroster/v1p1 or /ims/oneroster/rostering/v1p2."
            raise HallpassError(Kind.INVALID, text)
        return f"1.{found[1]}"

    def open(self, last: Json | None = None) -> _Opened:
        """The service. Raises HallpassError where the address or the credentials are unfit."""
        require_address(self.url)
        form = self.version.replace(".", "p")
        scope = " ".join(f"https://purl.imsglobal.org/spec/or/v{form}/scope/{s}" for s in _SCOPES)
        return _Opened(self, auth_of(self.credentials, scope=scope), last or {})


@dataclass(frozen=True, slots=True)
class _Opened:
    source: OneRosterService
    auth: httpx.Auth
    last: Json
    size: None = None

    def fingerprint(self) -> None:
        """Not known before it is read."""

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Pull. Raises HallpassError where the service cannot be read to its end, or nobody can tell whose it is."""
        with self.source.client() as http:
            provider = Provider(http, self.auth, on_bytes, backoff=self.source.backoff)
            if since := self._since():
                with suppress(_Everything), facts.attempt():
                    return _Pull(self.source, provider, facts, self.last, since).read(today)
            return _Pull(self.source, provider, facts, self.last).read(today)

    def _since(self) -> str:
        """From when on changes are asked for; empty where everything is."""
        full = self.last.get("full")
        others = self.last.get("staff", []) != [*self.source.staff]
        if self.source.full or not full or others or datetime.now(UTC) - datetime.fromisoformat(full) > FULL_EVERY:
            return ""
        return str(self.last["since"])


@dataclass(slots=True)
class _Pull:
    """One pull: of everything, or of what changed since a moment."""

    source: OneRosterService
    provider: Provider
    facts: RosterFacts
    last: Json
    since: str = ""
    modes: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    answered_at: str = ""

    @property
    def version(self) -> str:
        """1.1 or 1.2."""
        return self.source.version

    def read(self, today: date) -> About:
        """Pull and join. Raises _Everything where changes do not suffice, and HallpassError as `_Opened.read`."""
        rows = Rows(self.facts, live=True)
        try:
            if self.since:
                self._changes(rows)
            else:
                for name in COLLECTIONS:
                    self._all(rows, name)
            district = self._district(rows)
            Joining(rows, self.facts, people.Ids(district), today, bool(self.since), self.source.staff).join()
        finally:
            rows.db.close()
        form = f"OneRoster {self.version} service"
        mark = self._mark(district)
        return About(form, district, complete=not self.since, remarks=tuple(self.remarks), mark=mark)

    def _district(self, rows: Rows) -> str:
        if self.since:
            return str(self.last["district"])
        return district_of(rows, self.source.district)

    def _mark(self, district: str) -> Json:
        began = _moment(self.answered_at)
        full = self.last["full"] if self.since else datetime.now(UTC).isoformat()
        read = self.last["read"] if self.since else sorted(self.modes)
        since = (began - CLOCKS).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        staff = [*self.source.staff]
        return {"since": since, "full": full, "district": district, "read": read, "staff": staff}

    def _all(self, rows: Rows, name: str) -> None:
        """Every record of a collection."""
        collection = self._collection(name)
        self.modes[name] = PULLED
        if name == "users" and self.version == "1.2":
            self.modes["roles"] = PULLED
        try:
            for page in collection.pages():
                for record in page:
                    self._take(rows, name, record)
        except NotGiven as e:
            if name in NEEDED or name in self.last.get("read", ()):
                text = f"{e} Without its {name} nothing is imported: what they said would count as gone."
                raise HallpassError(Kind.INVALID, text) from None
            del self.modes[name]
            self.remarks.append(f"not read: {e}")
        self.answered_at = self.answered_at or collection.answered_at

    def _changes(self, rows: Rows) -> None:
        """What changed of the people. Raises _Everything where it is more than that, or is not told."""
        self.modes = dict.fromkeys((*self.last["read"], "roles"), "delta")
        for name in COLLECTIONS:
            if name not in self.modes:
                continue
            for record in self._changed(name):
                if name not in ("users", "demographics"):
                    raise _Everything
                self._take(rows, name, record)
        self._partners(rows)

    def _changed(self, name: str) -> Iterator[Any]:
        """Raises _Everything where the service does not filter by when a record changed."""
        collection = self._collection(name, f"dateLastModified>'{self.since}'")
        try:
            for page in collection.pages():
                for record in page:
                    modified = record.get("dateLastModified") if isinstance(record, dict) else None
                    if not isinstance(modified, str) or modified[:10] < self.since[:10]:
                        raise _Everything
                    yield record
        except NotGiven:
            raise _Everything from None
        self.answered_at = self.answered_at or collection.answered_at

    def _partners(self, rows: Rows) -> None:
        """Who stands to those who changed, and to whom those stand, asked for one by one."""
        asked: set[str] = set()
        for _ in range(2):
            wanted = {id_ for id_, gone in rows.ids("demographics") if not gone}
            wanted |= {id_ for pair in rows.agents() for id_ in pair}
            wanted -= {id_ for id_, _ in rows.ids("users")} | asked
            asked |= wanted
            if len(asked) > MAX_SINGLE:
                raise _Everything
            for id_ in sorted(wanted):
                self._single(rows, id_)

    def _single(self, rows: Rows, id_: str) -> None:
        url = f"{self.source.url.rstrip('/')}/users/{quote(id_, safe='')}"
        answer = self.provider.get(url, allow=frozenset({404}))
        if answer.status == httpx.codes.NOT_FOUND:
            return
        record = answer.body.get("user") if isinstance(answer.body, dict) else None
        if not isinstance(record, dict) or record.get("sourcedId") != id_:
            raise _Everything
        self._take(rows, "users", record)

    def _take(self, rows: Rows, name: str, record: Any) -> None:
        at = self.taken[name] = self.taken.get(name, 0) + 1
        read = row_of(name, record)
        rows.take(name, at, read.row, self, read.faults)
        if self.version == "1.2":
            for role in read.roles:
                rows.take("roles", at, role, self)

    def _collection(self, name: str, filter_: str = "") -> Collection:
        return Collection(self.provider, self.source.url.rstrip("/"), name, self.source.limit, filter_)


def _moment(header: str) -> datetime:
    """The moment that a Date header tells, else now."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)
