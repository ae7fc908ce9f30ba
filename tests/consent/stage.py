"""One decision case on the network: what it tells of is written over HTTP, and kept here as decide() takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.consent import attributes as read_facts
from app.consent.lapses import held, unbroken
from app.consent.model import AdultFrom, Agreement, PolicySet, Release, Requester, ResourceAttributes, Window
from app.consent.parse import ParsedConsent, read
from app.consent.signing import ConsentContext, adult_from, authority, guards_an_adult
from app.fhir.dates import BEGINNING, END, born, period
from app.resources import TYPES
from tests.consent import spelled
from tests.consent.language import Case, Spec


@dataclass
class Held:
    """A resource of the case: how it was told, who holds it, and what was stored."""

    kind: str
    spec: Spec
    by: str
    id: UUID
    content: Spec
    version: int = 1
    before: Spec = field(default_factory=dict)
    versions: list[tuple[datetime, Spec | None]] = field(default_factory=list)
    """When each version was written, and what it said; None: it was deleted."""

    @property
    def type(self) -> str:
        """Its resource type."""
        return str(self.content["resourceType"])


@dataclass
class Stage:
    """What there is in one case."""

    network: Any
    written: str
    held: dict[str, Held] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    deleted: list[Held] = field(default_factory=list)
    intermediary: bool = True

    async def set_up(self, case: Case) -> None:
        """Write all that the case tells of, at the moment that it says."""
        await self.network.set_clock(datetime.fromisoformat(case.written))
        others = {n: s for n, s in case.records.items() if s["type"] == "Patient"}
        records = {n: s for n, s in case.records.items() if n not in others}
        await self._put_all("student", {"student": case.student})
        await self._put_all("record", others)
        await self._put_all("person", {"mother": {}} | case.people)
        await self._put_all("agreement", case.agreements)
        await self._put_all("record", records)
        await self._put_all("release", case.releases)

    async def change(self, name: str, delta: Spec | None) -> None:
        """Change, delete or add one resource."""
        known = self.held.get(name)
        if known is None:
            assert delta is not None, name
            await self.put(name, delta, _kind(delta))
        elif delta is None:
            await self.delete(name)
        elif "confirmed" in delta:
            await self.confirm(name, refused=not delta["confirmed"])
        else:
            await self.put(name, known.spec | delta, known.kind)

    async def put(self, name: str, spec: Spec, kind: str) -> None:
        """Create a resource, or update it where it is known."""
        by = str(spec.get("by") or spec.get("from") or "district")
        known = self.held.get(name)
        own_id = known.id if known else None
        content = self.resolve(self._content(spec, kind))
        if known and "sourceAttachment" in content and "sourceAttachment" in known.content:
            content["sourceAttachment"] = known.content["sourceAttachment"]
        if "written" in spec:
            await self.network.set_clock(datetime.fromisoformat(spec["written"]))
        if "refused" in spec:
            await self._refused(content, by, spec["refused"])
            return
        member = self.network.members[by]
        stored = await (member.save({**content, "id": str(own_id)}) if own_id else member.create(content))
        version = int(stored["meta"]["versionId"])
        self.held[name] = found = Held(
            kind, spec, by, UUID(stored["id"]), content, version, known.content if known else {}
        )
        found.versions = [
            *(known.versions if known else ()),
            (datetime.fromisoformat(spec.get("written", self.written)), content),
        ]
        if kind == "release":
            self._compile(name, found, datetime.fromisoformat(spec.get("written", self.written)))

    async def confirm(self, name: str, *, refused: bool) -> None:
        """Confirm a release, or try to."""
        found, now = self.held[name], datetime.fromisoformat(self.written)
        content = await self.network.confirm(found.by, f"Consent/{found.id}", found.content, now, refused=refused)
        if not refused:
            found.content, found.version = content, found.version + 1
            self._compile(name, found, now)

    async def delete(self, name: str) -> None:
        """Delete a resource."""
        found = self.held.pop(name)
        response = await self.network.members[found.by].delete(f"/{found.type}/{found.id}")
        assert response.status_code == 204, response.text
        self.releases.pop(name, None)
        found.versions.append((datetime.fromisoformat(self.written), None))
        self.deleted.append(found)

    async def clear(self) -> None:
        """Take back the agreements of the case, which would bear on others."""
        for name in [n for n, h in self.held.items() if h.kind == "agreement"]:
            await self.delete(name)
        for found in self.deleted:
            await self.network.forget(found.id)

    def attributes(self, name: str) -> ResourceAttributes:
        """What decide() needs of a record."""
        found = self.held[name]
        declared = TYPES[found.type]
        return read_facts.resource_attributes(
            declared, found.content, found.id, self.network.id(found.by), self.network.zone(found.by), found.before
        )

    def policies(self) -> PolicySet:
        """What decide() needs beside it."""
        records = {n: h for n, h in self.held.items() if TYPES[h.type].student is not None}
        focal = {self.held[n].id: (self.network.id(h.by), self.attributes(n).refs) for n, h in records.items()}
        return PolicySet(
            releases=tuple(self.releases.values()),
            born=self._born(),
            authorities=self._authorities(),
            adult=self._adult(),
            adult_guardians=self._adult_guardians(),
            agreements=(*self.network.agreements, *self._agreements()),
            places=self.network.places,
            focal=focal,
            referrals={h.id: self.attributes(n) for n, h in records.items() if h.type == "ServiceRequest"},
            referrers=read_facts.referrers(self.attributes(n) for n in records),
        )

    def requester(self, who: str, purposes: tuple[str, ...], at: datetime) -> Requester:
        """Who asks."""
        return self.network.requester(who, purposes, at)

    def _content(self, spec: Spec, kind: str) -> Spec:
        if kind == "student":
            return spelled.student(spec, uuid4().hex)
        if kind == "person":
            return spelled.person(spec)
        if kind == "agreement":
            return spelled.agreement(spec)
        return spelled.record(spec) if kind == "record" else spelled.consent(spec)

    def resolve(self, node: Any) -> Any:
        """The same, with each `@name` made a reference."""
        if isinstance(node, dict):
            return {k: self.resolve(v) for k, v in node.items()}
        if isinstance(node, list):
            return [self.resolve(v) for v in node]
        if not isinstance(node, str) or not node.startswith("@"):
            return node
        name = node[1:]
        if name in self.network.members:
            return f"Organization/{self.network.id(name)}"
        return f"{self.held[name].type}/{self.held[name].id}"

    async def _put_all(self, kind: str, specs: dict[str, Spec]) -> None:
        for name, spec in specs.items():
            await self.put(name, spec, kind)

    async def _refused(self, content: Spec, by: str, expected: list[str]) -> None:
        """The write is refused with an issue at each of these expressions, and so says the reading of it."""
        reading = self.reading(content, uuid4(), 1, by, datetime.fromisoformat(self.written))
        assert sorted(str(missing_requirement.expression) for missing_requirement in reading.missing) == sorted(
            expected
        )
        assert sorted(await self.told(content, by)) == sorted(expected)

    async def told(self, content: Spec, by: str) -> list[str]:
        """Where the gaps of a Consent are that the server refuses."""
        response = await self.network.members[by].post("/Consent", content)
        assert response.status_code == 422, response.text
        return [e for issue in response.json()["issue"] for e in issue["expression"]]

    def _compile(self, name: str, found: Held, now: datetime) -> None:
        self.releases.pop(name, None)
        if found.content["status"] == "active":
            reading = self.reading(found.content, found.id, found.version, found.by, now)
            assert reading.missing == ()
            if reading.release:
                self.releases[name] = reading.release

    def reading(self, content: Spec, own_id: UUID, version: int, by: str, now: datetime) -> ParsedConsent:
        """What a Consent comes to, beside what is on the stage."""
        consent_context = ConsentContext(
            custodian=self.network.id(by),
            zone=self.network.zone(by),
            student=self.held["student"].id,
            now=now,
            jurisdiction=self.network.states[by] or None,
            born=self._born(),
            authorities=self._authorities(),
            related=frozenset(h.id for h in self._people()),
            organizations=frozenset(self.network.places),
            intermediary=self.intermediary,
            adult=self._adult(),
            adult_guardians=self._adult_guardians(),
        )
        return read(content, own_id, version, consent_context)

    def _born(self) -> Any:
        day = self.held["student"].content.get("birthDate") if "student" in self.held else None
        return born(day) if day else None

    def _adult(self) -> AdultFrom:
        student = self.held.get("student")
        return adult_from(student.versions, self.network.zone(student.by)) if student else AdultFrom()

    def _adult_guardians(self) -> frozenset[UUID]:
        return frozenset(h.id for h in self._people() if guards_an_adult(h.content))

    def _people(self) -> list[Held]:
        """The RelatedPersons of this student, whoever holds them."""
        own = f"Patient/{self.held['student'].id}"
        everyone = [h for h in self.held.values() if h.kind == "person"]
        return [h for h in everyone if h.content["patient"]["reference"] == own]

    def _authorities(self) -> dict[UUID, Any]:
        windows = {h.id: self._authority(h) for h in self._people()}
        return {i: window for i, window in windows.items() if window}

    def _authority(self, person: Held) -> Window | None:
        zone = self.network.zone(person.by)
        return unbroken([(at, authority(content, zone) if content else None) for at, content in person.versions])

    def _agreements(self) -> list[Agreement]:
        everything = [*self.held.values(), *self.deleted]
        return [a for h in everything if h.kind == "agreement" for a in self._agreed(h)]

    def _agreed(self, found: Held) -> list[Agreement]:
        """What one agreement says and said; none of the cases changes whom it is between."""
        zone = self.network.zone(found.by)
        discloser, recipient = self.network.id(found.spec["from"]), self.network.id(found.spec["to"])
        states = [(at, _window(content, zone) if content else None) for at, content in found.versions]
        return [Agreement(self.network.id(found.by), discloser, recipient, window) for window in held(states)]


def _window(affiliation: Spec, zone: ZoneInfo) -> Window | None:
    """When an agreement holds; None: never."""
    if affiliation.get("active") is not True or "code" not in affiliation:
        return None
    stated = period(affiliation["period"], zone) if "period" in affiliation else None
    return (stated.lower, stated.upper) if stated else (BEGINNING, END)


def _kind(spec: Spec) -> str:
    """What a change adds, by its words."""
    if "from" in spec:
        return "agreement"
    return "record" if spec.get("type") in TYPES else "release"
