"""Clients of every kind: each asks at random, follows pages, and keeps its own book of what it got."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from assurance.chaos.custodian import FAMILY, Child, Custodian
from assurance.chaos.receipts import MARK, Book, Got, got
from tests.world import Member

OTHERS = {401, 403, 404, 412, 503}
"""How a request may end that is not answered: the release ended, the write was raced, nothing can be disclosed."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DUE = 60.0
"""Seconds that a look at the record of disclosures reaches back."""


@dataclass
class Tally:
    """What the clients met with, together."""

    statuses: Counter[int] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    """Answers that held a version, by the way in which it was asked."""
    broken: int = 0
    """Requests that got no whole answer."""
    wrong: list[str] = field(default_factory=list)
    last: float = 0.0
    """When a client last got something."""


class Reader:
    """One client of a clinic's."""

    def __init__(self, member: Member, book: Book, custodian: Custodian, tally: Tally, dice: random.Random) -> None:
        self._member = member
        self._book = book
        self._children = custodian.children
        self._tally = tally
        self._dice = dice
        self._tags: dict[str, str] = {}
        self._ways: list[Callable[[Child], Awaitable[None]]] = [
            self._read, self._head, self._again, self._part, self._vread, self._history, self._type_history,
            self._search, self._search_by_form, self._pages, self._everything, self._batch, self._transaction,
            self._match, self._releases, self._task,
        ]  # fmt: skip

    async def work(self) -> None:
        """Ask, until canceled."""
        while True:
            try:
                await self._dice.choice(self._ways)(self._dice.choice(self._children))
            except httpx.TransportError:
                self._tally.broken += 1
                await asyncio.sleep(0.01)

    async def _ask(
        self, way: str, interaction: str, method: str, path: str, body: Any = None, **options: Any
    ) -> httpx.Response | None:
        """Send a request and enter what comes in the book; None where it was not answered."""
        sent = time.time()
        if method == "POST":
            response = await self._member.post(path, body, **options)
        elif method == "PUT":
            response = await self._member.put(path, body, **options)
        else:
            response = await self._member._send(method, path, **options)
        received = time.time()
        if not self._answered(response, way):
            return None
        found = got(response)
        self._enter(found, interaction, sent, received, way)
        return response

    def _answered(self, response: httpx.Response, way: str) -> bool:
        status = response.status_code
        self._tally.statuses[status] += 1
        if status in (200, 304):
            return True
        if status not in OTHERS:
            self._tally.wrong.append(f"{way}: {status} {response.text[:300]}")
        if FAMILY in response.text or MARK in response.text:
            self._tally.wrong.append(f"{way}: a {status} that holds a record")
        return False

    def _enter(self, found: list[Got], interaction: str, sent: float, received: float, way: str) -> None:
        self._book.enter(found, interaction, sent, received, way)
        if found:
            self._tally.ways[way] += 1
            self._tally.last = received

    def _any(self, child: Child) -> str:
        kind = self._dice.choice(list(child.records))
        return f"/{kind}/{child.records[kind]}"

    async def _read(self, child: Child) -> None:
        path = self._any(child)
        response = await self._ask("read", "read", "GET", path)
        if response is not None:
            self._tags[path] = response.headers["ETag"]

    async def _head(self, child: Child) -> None:
        await self._ask("HEAD", "read", "HEAD", self._any(child))

    async def _again(self, child: Child) -> None:
        path = self._any(child)
        tag = {"If-None-Match": self._tags[path]} if path in self._tags else {}
        await self._ask("conditional read", "read", "GET", path, headers=tag)

    async def _part(self, child: Child) -> None:
        part = self._dice.choice(["_summary=true", "_elements=id"])
        await self._ask("part", "read", "GET", f"{self._any(child)}?{part}")

    async def _vread(self, child: Child) -> None:
        version = self._dice.randint(1, 3)
        path = f"/ServiceRequest/{child.records['ServiceRequest']}/_history/{version}"
        await self._ask("vread", "vread", "GET", path)

    async def _history(self, child: Child) -> None:
        await self._ask("history", "history", "GET", f"{self._any(child)}/_history?_count=3")

    async def _type_history(self, _child: Child) -> None:
        await self._ask("history of a type", "history", "GET", "/Encounter/_history?_count=3")

    async def _search(self, _child: Child) -> None:
        includes = "_include=ServiceRequest:patient&_include=ServiceRequest:performer"
        await self._ask("search with include", "search", "GET", f"/ServiceRequest?{includes}&_count=20")

    async def _search_by_form(self, child: Child) -> None:
        form = f"_id={child.records['Patient']}&_revinclude=Encounter:patient"
        await self._ask("search by form", "search", "POST", "/Patient/_search", content=form, headers=FORM)

    async def _pages(self, _child: Child) -> None:
        url: str | None = "/Patient?_count=1"
        while url:
            response = await self._ask("page", "search", "GET", url)
            links = response.json()["link"] if response is not None else []
            url = next((link["url"] for link in links if link["relation"] == "next"), None)

    async def _everything(self, child: Child) -> None:
        path = f"/Patient/{child.records['Patient']}/$everything"
        await self._ask("$everything", "everything", "GET", path)

    async def _batch(self, child: Child) -> None:
        patient, referral = child.records["Patient"], child.records["ServiceRequest"]
        asked = {
            f"Patient/{patient}": "read",
            f"ServiceRequest/{referral}/_history/1": "vread",
            "Encounter?_count=2": "search",
            f"ServiceRequest/{referral}/_history?_count=2": "history",
            f"Patient/{patient}/$everything": "everything",
        }
        sent = time.time()
        response = await self._member.post("", _bundle("batch", list(asked)))
        received = time.time()
        if not self._answered(response, "batch"):
            return
        for entry, interaction in zip(response.json()["entry"], asked.values(), strict=True):
            status = entry["response"]["status"]
            if status[:3] != "200" and (int(status[:3]) not in OTHERS or FAMILY in str(entry)):
                self._tally.wrong.append(f"batch: an entry {status}")
            elif status[:3] == "200":
                one = httpx.Response(200, json=entry["resource"], request=response.request)
                self._enter(got(one), interaction, sent, received, "batch")

    async def _transaction(self, child: Child) -> None:
        urls = [self._any(child).removeprefix("/"), f"Encounter?_id={child.records['Encounter']}"]
        await self._ask("transaction", "transaction", "POST", "", _bundle("transaction", urls))

    async def _match(self, _child: Child) -> None:
        described = {"resourceType": "Patient", "name": [{"family": FAMILY}], "birthDate": "2014-05-02"}
        await self._ask("$match", "match", "POST", "/Patient/$match", described)

    async def _releases(self, child: Child) -> None:
        await self._ask("releases", "search", "GET", f"/Consent?patient={child.records['Patient']}&_count=5")

    async def _task(self, child: Child) -> None:
        """Read the Task and answer it, as the party that owns it."""
        path = f"/Task/{child.tasks[self._member.organization]}"
        response = await self._ask("task", "read", "GET", path)
        if response is None:
            return
        task = response.json()
        after = {"requested": "accepted", "in-progress": "on-hold"}
        task["status"] = after.get(task["status"], "in-progress")
        task["statusReason"] = {"text": "waits for a place"}
        task["meta"].pop("security", None)
        prefer = self._dice.choice(["minimal", "representation"])
        headers = {"If-Match": response.headers["ETag"], "Prefer": f"return={prefer}"}
        await self._ask("answer to a task", "update", "PUT", path, task, headers=headers)


@dataclass(frozen=True, slots=True)
class Account:
    """A student's record of disclosures from a moment on, as the custodian got it: how many entries."""

    student: str
    since: float
    sent: float
    received: float
    entries: int


class Accountant:
    """The custodian's other client, which asks for records of disclosures."""

    def __init__(self, member: Member, custodian: Custodian, tally: Tally, dice: random.Random) -> None:
        self.accounts: list[Account] = []
        self._member = member
        self._children = custodian.children
        self._tally = tally
        self._dice = dice

    async def work(self) -> None:
        """Ask, until canceled."""
        while True:
            await asyncio.sleep(0.05)
            student = self._dice.choice(self._children).records["Patient"]
            sent = time.time()
            since = datetime.fromtimestamp(int(sent - DUE), UTC)
            query = f"_format=csv&start={since:%Y-%m-%dT%H:%M:%SZ}"
            try:
                response = await self._member.get(f"/Patient/{student}/$disclosures?{query}")
            except httpx.TransportError:
                self._tally.broken += 1
                continue
            self._tally.statuses[response.status_code] += 1
            if response.status_code == 200:
                self._tally.ways["$disclosures"] += 1
                rows = len(list(csv.DictReader(io.StringIO(response.text))))
                self.accounts.append(Account(student, since.timestamp(), sent, time.time(), rows))
            elif response.status_code != 503:
                self._tally.wrong.append(f"$disclosures: {response.status_code} {response.text[:300]}")


def _bundle(kind: str, urls: list[str]) -> dict[str, Any]:
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}
