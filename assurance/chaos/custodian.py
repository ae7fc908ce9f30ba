"""The district: it holds the records, amends them, and signs, amends and ends releases while all fails around it.

What it knows of its own writes is the record that the ledger's bases are judged by.
"""

from __future__ import annotations

import asyncio
import random
import time
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from assurance.chaos.receipts import MARK
from tests import build
from tests.world import Member

FAMILY = "Quillfeather"
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the custodian knows it: it came to be between `sent` and `known`."""

    content: dict[str, Any]
    sent: float
    known: float


@dataclass
class Child:
    """A student's records by type, and its Tasks and releases by recipient; each as its id."""

    records: dict[str, str] = field(default_factory=dict)
    tasks: dict[UUID, str] = field(default_factory=dict)
    releases: dict[UUID, str] = field(default_factory=dict)


class Custodian:
    """The district at its desk."""

    def __init__(self, member: Member, dice: random.Random) -> None:
        self.member = member
        self.children: list[Child] = []
        self.student_of: dict[str, str | None] = {}
        """The student whom a resource is about, by its id."""
        self.versions: dict[tuple[str, str], dict[int, Version]] = {}
        """What was written, by type, id and version."""
        self._dice = dice
        self._unsure: dict[tuple[str, str], float] = {}
        """When the first write was sent of which no answer came."""
        self._calm = asyncio.Event()
        self._calm.set()
        self._idle = asyncio.Event()

    async def admit(self, number: int, clinics: list[Member]) -> None:
        """A new student with a record, and a Task and a release for each clinic."""
        child = Child()
        own = [{"family": FAMILY, "given": ["Ana"]}]
        student = await self._first(None, build.patient(f"S-{number}-{uuid4().hex[:8]}", name=own))
        mother = await self._first(student, build.guardian(student))
        referral = await self._first(student, build.referral(student, clinics[0].reference, note=_note()))
        visit = await self._first(student, build.encounter(student))
        child.records = {r["resourceType"]: r["id"] for r in (student, referral, visit)}
        for clinic in clinics:
            task = build.task(student, referral, self.member.reference, clinic.reference)
            child.tasks[clinic.organization] = (await self._first(student, task))["id"]
            release = build.consent(
                student, mother, self.member.reference, clinic.reference,
                classes=("Patient", "ServiceRequest", "Encounter"),
            )  # fmt: skip
            child.releases[clinic.organization] = (await self._first(student, release))["id"]
        self.children.append(child)

    async def work(self) -> None:
        """Amend, sign and end, until canceled."""
        while True:
            self._idle.set()
            await asyncio.sleep(PAUSE * self._dice.random())
            await self._calm.wait()
            self._idle.clear()
            child = self._dice.choice(self.children)
            if self._dice.random() < 0.4:
                await self._change("ServiceRequest", child.records["ServiceRequest"], {"note": _note()})
                continue
            clinic = self._dice.choice(list(child.releases))
            await self._renew(child, clinic)

    async def settle(self) -> None:
        """Write nothing more for now, and find out what became of the writes that had no answer."""
        self._calm.clear()
        await self._idle.wait()
        for kind, own in list(self._unsure):
            await self._learn(kind, own)

    def go_on(self) -> None:
        """Write again."""
        self._calm.set()

    async def _first(self, student: dict[str, Any] | None, resource: dict[str, Any]) -> dict[str, Any]:
        sent = time.time()
        created = await self.member.create(resource)
        self.student_of[created["id"]] = student["id"] if student else created["id"]
        self._keep(created, sent)
        return created

    async def _change(self, kind: str, own: str, changes: dict[str, Any]) -> None:
        known = self.versions[kind, own]
        newest = max(known)
        content = {**known[newest].content, **changes}
        sent = time.time()
        try:
            response = await self.member.put(f"/{kind}/{own}", content, headers={"If-Match": f'W/"{newest}"'})
        except httpx.TransportError:
            response = None
        if response is not None and response.status_code == 200:
            self._keep(response.json(), sent)
            return
        assert response is None or response.status_code in (412, 503), response.text
        self._unsure.setdefault((kind, own), sent)
        if response is not None and response.status_code == 412:
            await self._learn(kind, own)

    async def _renew(self, child: Child, clinic: UUID) -> None:
        """End a release, or bring its end nearer; of one that has ended, have another signed in its place."""
        own = child.releases[clinic]
        known = self.versions["Consent", own]
        last = known[max(known)].content
        if last["status"] != "active":
            child.releases[clinic] = await self._sign_again(last)
        elif self._dice.random() < 0.3:
            await self._change("Consent", own, {"status": "inactive"})
        else:
            period = last["provision"]["period"]
            nearer = date.fromisoformat(period["end"]) - timedelta(days=1)
            provision = {**last["provision"], "period": {**period, "end": nearer.isoformat()}}
            await self._change("Consent", own, {"provision": provision})

    async def _sign_again(self, ended: dict[str, Any]) -> str:
        """Another release for the same recipient, signed on a new form, by a create that can be repeated."""
        form = uuid4().hex
        body = {k: v for k, v in deepcopy(ended).items() if k not in ("id", "meta")} | {
            "status": "active",
            "identifier": [{"system": "urn:test:form", "value": form}],
            "sourceAttachment": {"contentType": "application/pdf", "title": form},
        }
        body["provision"]["period"]["end"] = "2027-06-30"
        sent = time.time()
        while True:
            try:
                response = await self.member.post(
                    "/Consent", body, headers={"If-None-Exist": f"identifier=urn:test:form|{form}"}
                )
            except httpx.TransportError:
                continue
            if response.status_code in (200, 201):
                break
            assert response.status_code == 503, response.text
            await asyncio.sleep(PAUSE)
        created: dict[str, Any] = response.json()
        self.student_of[created["id"]] = self.student_of[ended["id"]]
        self._keep(created, sent)
        return str(created["id"])

    async def _learn(self, kind: str, own: str) -> None:
        """Read the versions that were stored without an answer."""
        while True:
            try:
                response = await self.member.get(f"/{kind}/{own}/_history?_count=500")
            except httpx.TransportError:
                continue
            if response.status_code == 200:
                break
            await asyncio.sleep(PAUSE)
        for entry in response.json()["entry"]:
            if int(entry["resource"]["meta"]["versionId"]) not in self.versions[kind, own]:
                self._keep(entry["resource"], self._unsure[kind, own])
        self._unsure.pop((kind, own), None)

    def _keep(self, resource: dict[str, Any], sent: float) -> None:
        kept = self.versions.setdefault((resource["resourceType"], resource["id"]), {})
        kept.setdefault(int(resource["meta"]["versionId"]), Version(resource, sent, time.time()))


def _note() -> list[dict[str, str]]:
    return [{"text": f"{MARK}{uuid4().hex}"}]
