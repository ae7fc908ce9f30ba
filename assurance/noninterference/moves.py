"""What other callers do: what the caller may see of it happens in both worlds, what it may not in one of them.

By docs/rule.md, hidden from the caller are: what organizations without a release to it hold, what releases to it do not
cover (type, label, exception, purpose, time), Consents and Tasks that do not name it, several students' Groups.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from app.referral.judge import FIXED
from app.resources import TYPES
from assurance.noninterference import releases
from assurance.noninterference.draw import EXCEPTED, SERVICE, Body, coded
from assurance.noninterference.records import DRAWN, build, label
from assurance.noninterference.scene import BOTH, Record, Scene
from assurance.noninterference.wire import Request

JSON = (("Content-Type", "application/fhir+json"),)
REFERRALS = ("ServiceRequest", "Encounter")
COVERABLE = ("RelatedPerson", *REFERRALS, *DRAWN)
DIRECTORY = ("Practitioner", "PractitionerRole", "Location", "HealthcareService", "OrganizationAffiliation")
RELEASED = ("first", "second", "third", "fourth", "grown")
"""The holder's students whose records a release to the caller opens, or may open later."""
PAPER = ("payment", "expired")
"""Students with a Consent that names the caller and opens nothing to it."""
_OPENED = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter")
KINDS = (*_OPENED, "Consent", "Task", "Group", "Binary", *DRAWN)


@dataclass(frozen=True, slots=True)
class Move:
    """Requests of other members, by world; `hidden`: the caller may see nothing of the last one."""

    a: tuple[Request, ...]
    b: tuple[Request, ...]
    hidden: bool
    seconds: int = 7


def create(by: str, body: Body) -> Request:
    """POST of a resource."""
    return Request("POST", f"/fhir/{body['resourceType']}", by, JSON, json.dumps(body))


def update(by: str, record: Record, body: Body) -> Request:
    """PUT of a record's new content; a referral and its Task stay where they stand, and keep what was sent."""
    stands = {"ServiceRequest": ("status",), "Task": (*FIXED, "owner", "status")}.get(record.type, ())
    body = {k: v for k, v in body.items() if k not in stands} | {k: v for k, v in record.body.items() if k in stands}
    return Request("PUT", f"/fhir/{record.reference}", by, JSON, json.dumps({**body, "id": record.id}))


def delete(by: str, record: Record) -> Request:
    """DELETE of a record."""
    return Request("DELETE", f"/fhir/{record.reference}", by)


class Moves:
    """Draws what others do next."""

    def __init__(self, rng: Random, scene: Scene) -> None:
        self.rng = rng
        self.scene = scene

    def visible(self) -> Move | None:
        """Something that happens in both worlds alike."""
        return self._one(_VISIBLE)

    def hidden(self, world: str) -> Move | None:
        """Something that happens in one world, and that the caller may see nothing of."""
        found = self._one(_HIDDEN, world)
        if found is None or found.a:
            return found
        return found if world == "B" else replace(found, a=found.b, b=())

    def _one(self, moves: list[tuple[int, Callable[..., Move | None]]], *args: str) -> Move | None:
        (chosen,) = self.rng.choices([m for _, m in moves], [w for w, _ in moves])
        return chosen(self, *args)

    # In both worlds ------------------------------------------------------------------------------------------------

    def _alike(self, request: Request | None, seconds: int = 7) -> Move | None:
        return Move((request,), (request,), False, seconds) if request else None

    def _covered(self) -> Move | None:
        """The holder files something that a release can open."""
        return self._alike(create("holder", self.coverable(self._student(*RELEASED))))

    def _changed(self) -> Move | None:
        found = [r for r in self._releasable() if r.type in COVERABLE]
        if not found:
            return None
        record = self.rng.choice(found)
        return self._alike(update("holder", record, self.again(record)))

    def _withdrawn(self) -> Move | None:
        found = [r for r in self._releasable() if r.type in ("ServiceRequest", "Encounter")]
        return self._alike(delete("holder", self.rng.choice(found))) if found else None

    def _tasked(self) -> Move | None:
        return self._alike(create("holder", self.task("holder", "caller", self._student(*RELEASED))))

    def _signed(self) -> Move | None:
        return self._alike(create("holder", self.signed(self._part(*RELEASED))))

    def _ended(self) -> Move | None:
        found = [r for r in self.scene.of("Consent", by="holder", hidden=False) if r.body["status"] == "active"]
        if not found:
            return None
        record = self.rng.choice(found)
        return self._alike(update("holder", record, {**record.body, "status": "inactive"}))

    def _denied(self) -> Move | None:
        part = self._part(*RELEASED)
        ids = self.scene.organizations
        body = releases.denial(
            self.rng, self.scene.students[part], self._signer(part), ids["holder"], ids["caller"]
        )  # fmt: skip
        return self._alike(create("holder", body))

    def _listed(self) -> Move | None:
        by = self.rng.choice(["holder", "stranger", "other"])
        known = [r for r in self.scene.of(*DIRECTORY, by=by) if r.by == by]
        if known and self.rng.random() < 0.5:
            record = self.rng.choice(known)
            if self.rng.random() < 0.3:
                return self._alike(delete(by, record))
            return self._alike(update(by, record, self.made(record.type, by, BOTH)))
        return self._alike(create(by, self.made(self.rng.choice(DIRECTORY), by, BOTH)))

    def _below(self) -> Move | None:
        """The caller's branch writes, which the caller sees by custody."""
        return self._alike(create("branch", self.made(self.rng.choice(KINDS), "branch", BOTH)))

    def _seen(self) -> Move | None:
        """The holder reads what the caller released to it: on the ledger, which the caller may read."""
        return self._alike(Request("GET", "/fhir/Patient?_revinclude=*", "holder"))

    def _later(self) -> Move | None:
        """Time passes: releases end, a student comes of age."""
        return Move((), (), False, self.rng.choice([3600, 30 * 86_400, 80 * 86_400]))

    def shifted(self) -> Move | None:
        """A visible record changes; in one world there was a version between that the caller may not see."""
        found = self._rewritable(self.scene.veiled)
        if not found:
            return None
        record = self.rng.choice(found)
        last = update("holder", record, self.again(record))
        longer, shorter = (self._between(record), last), (last,)
        return Move(longer, shorter, False) if self.rng.random() < 0.5 else Move(shorter, longer, False)

    def veiled(self) -> Move | None:
        """A visible record changes; in both worlds there was a version between that the caller may not see."""
        found = self._rewritable(self.scene.shifted)
        if not found:
            return None
        record = self.rng.choice(found)
        last = update("holder", record, self.again(record))
        return Move((self._between(record), last), (self._between(record), last), False)

    def _rewritable(self, but: list[str]) -> list[Record]:
        """What the holder writes again, mostly of the student whom a release to the caller opens from the start.

        A shifted record is never veiled, nor a veiled one shifted.
        """
        found = [r for r in self._releasable() if r.type in ("ServiceRequest", "Encounter") and r.id not in but]
        first = [r for r in found if r.student == self.scene.students["first"]]
        return first if first and self.rng.random() < 0.7 else found

    def _between(self, record: Record) -> Request:
        """A version of a record that no release opens."""
        hidden = {**self.again(record), "meta": label(*self.rng.choice(releases.NEVER))}
        for name in ("orderDetail", "basedOn", "replaces"):  # that nobody may be contacted stays, whoever saw it said
            hidden.pop(name, None)
        return update("holder", record, hidden)

    # In one world --------------------------------------------------------------------------------------------------

    def _in(self, world: str, request: Request | None) -> Move | None:
        if request is None:
            return None
        return Move((request,), (), True) if world == "A" else Move((), (request,), True)

    def _strangers(self, world: str) -> Move | None:
        """Of organizations that release nothing to the caller, or of students of whom nothing is released."""
        by = self.rng.choice(["stranger", "stranger", "school", "parent", "other"])
        students = self.scene.of("Patient", by=by, worlds=world, hidden=True)
        if not students or self.rng.random() < 0.3:
            return self._in(world, create(by, self.made("Patient", by, world)))
        student = self.rng.choice(students).id
        return self._in(world, create(by, self.made(self.rng.choice(KINDS[1:]), by, world, student)))

    def _labelled(self, world: str) -> Move | None:
        if self.rng.random() < 0.3:
            kind, student = self.rng.choice(("Encounter", "ServiceRequest")), self.scene.students["theirs"]
            by, body = "other", self.made(kind, "other", world, student)
        else:
            by, body = "holder", self.coverable(self._student(*RELEASED), world)
        return self._in(world, create(by, {**body, "meta": label(*self.rng.choice(releases.NEVER))}))

    def _excepted(self, world: str) -> Move | None:
        body = self.coverable(self._student(*RELEASED), world, "ServiceRequest")
        return self._in(world, create("holder", {**body, "code": coded(EXCEPTED, SERVICE)}))

    def _on_paper(self, world: str) -> Move | None:
        return self._in(world, create("holder", self.coverable(self._student(*PAPER), world)))

    def _unopened(self, world: str) -> Move | None:
        """Of a student of the caller's releases, what no release opens."""
        student = self._student(*RELEASED)
        kind = self.rng.choice(["Task", "Group", "Consent"])
        if kind == "Task":
            return self._in(world, create("holder", self.task("holder", "other", student, world)))
        return self._in(world, create("holder", self.made(kind, "holder", world, student)))

    def _elsewhere(self, world: str) -> Move | None:
        """A release to another organization."""
        return self._in(world, create("holder", self.signed(self._part(*RELEASED), "other")))

    def _unreleased(self, world: str) -> Move | None:
        """Of students without a release: a new one, or something about one of this world."""
        students = self.scene.of("Patient", by="holder", worlds=world, hidden=True)
        if not students or self.rng.random() < 0.4:
            return self._in(world, create("holder", self.made("Patient", "holder", world)))
        body = self.coverable(self.rng.choice(students).id, world)
        return self._in(world, create("holder", body))

    def _others(self, world: str) -> Move | None:
        """Another clinic's own records of the first student."""
        kind = self.rng.choice(["ServiceRequest", "Encounter", "Task", "Consent", "RelatedPerson"])
        return self._in(world, create("other", self.made(kind, "other", world, self.scene.students["first"])))

    def on_the_callers(self, world: str) -> Move | None:
        """The holder's own records of a student of the caller's, which refer to what the caller released to it."""
        kind, own = self.rng.choice(["ServiceRequest", "Encounter", "Consent"]), self.scene.students["own"]
        body = self.made(kind, "holder", world, own)
        filed = [r for r in self.scene.of("ServiceRequest", "Encounter", by="caller") if r.student == own]
        about = {r.type: {"reference": r.reference} for r in self.rng.sample(filed, len(filed))}
        if kind == "Encounter" and "ServiceRequest" in about:
            body["basedOn"] = [about["ServiceRequest"]]
        if kind == "ServiceRequest" and "Encounter" in about:
            body["encounter"] = about["Encounter"]
        return self._in(world, create("holder", body))

    def _rewritten(self, world: str) -> Move | None:
        found = [
            r
            for r in self.scene.of(*KINDS, worlds=world, hidden=True)
            if r.type != "Consent" or r.body["status"] != "active"
        ]
        if not found:
            return None
        record = self.rng.choice(found)
        return self._in(world, update(record.by, record, self.again(record, world)))

    def gone(self, world: str) -> Move | None:
        found = [r for r in self.scene.of(worlds=world, hidden=True) if r.type not in ("Patient", "Consent")]
        return self._in(world, delete((r := self.rng.choice(found)).by, r)) if found else None

    def disclosed(self, world: str) -> Move | None:
        """Disclosures to others are on the ledger for those whose records they are: none is the caller's."""
        query = "_include=ServiceRequest:patient&_include=ServiceRequest:encounter"
        return self._in(world, Request("GET", f"/fhir/ServiceRequest?{query}", "other"))

    # What they are made of -----------------------------------------------------------------------------------------

    def made(self, kind: str, by: str, worlds: str, student: str | None = None) -> Body:
        """A resource of a member's own that names no party."""
        pick = self.scene.pick(self.rng, by, worlds, student=student)
        made = build(kind, self.rng, pick)
        for element in TYPES[kind].entry_of[:1]:  # nobody files in another's name
            if element in made:
                made[element] = {"reference": f"Organization/{self.scene.organizations[by]}"}
        return made

    def coverable(self, student: str, worlds: str = BOTH, kind: str | None = None) -> Body:
        """A record of the holder's that a release can open: unlabelled, or with a label that one may name."""
        pick = self.scene.pick(self.rng, "holder", worlds, student=student)
        more: Body = {"meta": label(self.rng.choice(releases.NAMED))} if self.rng.random() < 0.2 else {}
        return build(kind or self.rng.choice(COVERABLE), self.rng, pick, **more)

    def task(self, by: str, owner: str, student: str, worlds: str = BOTH) -> Body:
        """A Task of two parties."""
        named = {
            n: {"reference": f"Organization/{self.scene.organizations[w]}"}
            for n, w in (("requester", by), ("owner", owner))
        }
        return build("Task", self.rng, self.scene.pick(self.rng, by, worlds, student=student), **named)

    def signed(self, part: str, recipient: str | None = None, **more: Any) -> Body:
        """An active release of the holder's; to the caller or the organization above it where none is named."""
        ids = self.scene.organizations
        to = recipient or self.rng.choice(["caller", "caller", "parent"])
        return releases.release(
            self.rng, self.scene.students[part], self._signer(part), ids["holder"], ids[to], **more
        )  # fmt: skip

    def again(self, record: Record, worlds: str = BOTH) -> Body:
        """New content for a record that is of the same student, kind, parties and labels."""
        pick = self.scene.pick(self.rng, record.by, worlds, student=record.student)
        kept: Body = {
            k: record.body[k]
            for k in ("requester", "owner", "organization")
            if k in record.body and record.type == "Task"
        }
        if security := record.body.get("meta", {}).get("security"):
            kept["meta"] = {"security": security}
        if record.type == "ServiceRequest" and record.body["code"] == coded(EXCEPTED, SERVICE):
            kept["code"] = record.body["code"]
        made = build(record.type, self.rng, pick)
        meta = {**made.get("meta", {}), **kept.get("meta", {})}
        return {**made, **kept, **({"meta": meta} if meta else {})}

    def _releasable(self) -> list[Record]:
        """The holder's records, the same in both worlds, that a release can open."""
        students = {self.scene.students[p] for p in RELEASED}
        return [r for r in self.scene.of(by="holder", hidden=False) if r.student in students]

    def _part(self, *parts: str) -> str:
        return self.rng.choice(parts)

    def _student(self, *parts: str) -> str:
        return self.scene.students[self.rng.choice(parts)]

    def _signer(self, part: str) -> str:
        student = self.scene.students[part]
        found = self.scene.of("RelatedPerson", by="holder", hidden=False)
        return next(r.id for r in found if r.student == student)


_VISIBLE: list[tuple[int, Callable[..., Move | None]]] = [
    (4, Moves._covered),
    (4, Moves._changed),
    (1, Moves._withdrawn),
    (2, Moves._tasked),
    (3, Moves._signed),
    (2, Moves._ended),
    (1, Moves._denied),
    (2, Moves._listed),
    (2, Moves._below),
    (2, Moves._seen),
    (1, Moves._later),
    (4, Moves.shifted),
    (2, Moves.veiled),
]
_HIDDEN: list[tuple[int, Callable[..., Move | None]]] = [
    (4, Moves._strangers),
    (4, Moves._labelled),
    (3, Moves._excepted),
    (3, Moves._on_paper),
    (4, Moves._unopened),
    (2, Moves._elsewhere),
    (3, Moves._unreleased),
    (3, Moves._others),
    (3, Moves.on_the_callers),
    (4, Moves._rewritten),
    (3, Moves.gone),
    (2, Moves.disclosed),
]
