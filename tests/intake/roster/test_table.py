"""Any sequence of changes of the file and at the exchange, of imports and kills ends as the table says, and no import
gives a clinic sight of a student. docs/whose-word-counts.md
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.consent.codes import GUARDIAN_AUTHORITY
from app.db.engine import Database
from app.intake.csv.reader import Csv
from tests.intake.importing import Importing, importing_into
from tests.intake.roster.table import Possible, Record

WALKS = int(os.environ.get("ROSTER_WALKS", "3"))
STEPS = 14
STUDENTS = 2
HEADER = "id,given,family,born,school,school name,exit,guardian,guardian given,guardian family,custody,order"
MAPPING = """
name = "walk"
district = "51"
[student]
id = "id"
given = "given"
family = "family"
birth_date = "born"
[school]
id = "school"
name = "school name"
[enrollment]
end = "exit"
[[contact]]
id = "guardian"
given = "guardian given"
family = "guardian family"
authority = "custody"
restriction = "order"
"""


@dataclass
class Row:
    """What the file says of a student and the guardian."""

    there: bool = True
    given: str = "Ana"
    over: bool = False
    guardian: bool = True
    guardian_given: str = "Luz"
    custody: bool = True
    order: bool = False

    def student(self) -> dict[str, Any] | None:
        """What it states of the student."""
        return {"active": not self.over, "name": self.given} if self.there else None

    def contact(self) -> dict[str, Any] | None:
        """What it states of the guardian."""
        if not (self.there and self.guardian):
            return None
        return {"active": True, "authority": self.custody and not self.order, "name": self.guardian_given}

    def line(self, number: int) -> str:
        """The row of the file."""
        guardian = f"G{number},{self.guardian_given},Abara" if self.guardian else ",,"
        over = "2026-01-01" if self.over else ""
        return f"{number},{self.given},Abara,2014-03-09,7,Elm,{over},{guardian},{'NY'[self.custody]},{'Y' * self.order}"


class Killed(BaseException):
    """The import is gone at once, without a word."""


@dataclass
class Mortal(httpx.AsyncBaseTransport):
    """Carries requests until the import is killed: before one leaves, or before its answer arrives."""

    inner: httpx.AsyncBaseTransport
    left: int
    answered: bool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or kill."""
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.answered):
            raise Killed
        response = await self.inner.handle_async_request(request)
        if self.left == 0:
            raise Killed
        return response


@dataclass
class Walk:
    """A sequence of steps by chance, beside the model."""

    importing: Importing
    chance: random.Random
    rows: list[Row] = field(default_factory=lambda: [Row() for _ in range(STUDENTS)])
    students: list[Possible] = field(default_factory=list)
    contacts: list[Possible] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        """The first import, and a release that each guardian signs."""
        await self._run()
        for number, row in enumerate(self.rows):
            self.students.append(Possible(frozenset({Record.new(row.student() or {})})))
            self.contacts.append(Possible(frozenset({Record.new(row.contact() or {})})))
            await self.importing.sign(*await self._held(number))

    async def step(self) -> None:
        """One step; then the exchange is what the model says."""
        act = self.chance.choice(
            [self.file, self.file, self.person, self.person, self.complete, self.complete, self.killed]
        )
        saw = [await self._seen(n) for n in range(STUDENTS)]
        await act()
        for number, before in enumerate(saw) if act in (self.complete, self.killed) else ():
            assert before or not await self._seen(number), "an import gave sight"
        for number in range(STUDENTS):
            student, contact = await self._held(number)
            self.students[number].look({"active": student["active"], "name": _given(student)})
            found = {"active": contact["active"], "authority": _authority(contact), "name": _given(contact)}
            self.contacts[number].look(found)

    async def file(self) -> None:
        """The district changes its file."""
        row = self.chance.choice(self.rows)
        name = self.chance.choice(["there", "over", "guardian", "custody", "custody", "order"])
        setattr(row, name, not getattr(row, name))
        row.guardian_given = self.chance.choice(["Luz", "Ada", "Bea"])
        self.told.append(f"file: {self.rows}")

    async def person(self) -> None:
        """A person at the district changes a record."""
        number = self.chance.randrange(STUDENTS)
        student, contact = await self._held(number)
        if self.chance.random() < 0.3:
            active = self.chance.random() < 0.5
            await self.importing.change(student, active=active)
            self.students[number].decided("active", active)
            self.told.append(f"person: student {number} active {active}")
            return
        name: str
        value: Any
        name, value = self.chance.choice(
            [("active", True), ("active", False), ("authority", True), ("authority", False), ("name", "Zoe")]
        )
        given: Any = {"active": value, "name": [{"use": "official", "family": "Abara", "given": [value]}]}.get(name)
        given = given if name != "authority" else [{"url": GUARDIAN_AUTHORITY, "valueBoolean": value}]
        await self.importing.change(contact, **{"extension" if name == "authority" else name: given})
        self.contacts[number].decided(name, value)
        self.told.append(f"person: contact {number} {name} {value}")

    async def complete(self) -> None:
        """An import that comes to its end, and opens nothing."""
        self.told.append("import")
        await self._imported(whole=True)

    async def killed(self) -> None:
        """An import that is killed somewhere."""
        inner = self.importing.world.http._transport
        mortal = Mortal(inner, self.chance.randrange(1, 14), self.chance.random() < 0.5)
        self.told.append(f"killed: {mortal.left} {mortal.answered}")
        self.importing.world.http._transport = mortal
        try:
            await self._imported(whole=False)
        finally:
            self.importing.world.http._transport = inner

    async def _imported(self, *, whole: bool) -> None:
        if not any(row.there for row in self.rows):
            return  # such a file is refused as a whole
        try:
            await self._run()
            whole = True
        except Killed:
            pass
        for row, student, contact in zip(self.rows, self.students, self.contacts, strict=True):
            student.imported(row.student(), whole=whole)
            contact.imported(row.contact(), restricted=row.order, whole=whole)

    async def _seen(self, number: int) -> bool:
        student, _ = await self._held(number)
        return await self.importing.sees(student)

    async def _run(self) -> None:
        await self.importing.run(self._source())

    def _source(self) -> Csv:
        folder = self.importing.folder
        (folder / "map.toml").write_text(MAPPING)
        lines = [row.line(n) for n, row in enumerate(self.rows) if row.there]
        (folder / "export.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        return Csv(folder / "export.csv", folder / "map.toml")

    async def _held(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        student = await self.importing.one(f"/Patient?identifier=urn:sis:51:student|{number}")
        key = f"urn:sis:51:student-contact|{number}/G{number}"
        return student, await self.importing.one(f"/RelatedPerson?identifier={key}")


def _given(resource: dict[str, Any]) -> str:
    return str(resource["name"][0]["given"][0])


def _authority(contact: dict[str, Any]) -> bool | None:
    marks = [e["valueBoolean"] for e in contact.get("extension", []) if e["url"] == GUARDIAN_AUTHORITY]
    return marks[0] if marks else None


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing_into(db, tmp_path) as found:
        yield found


@pytest.mark.parametrize("seed", range(WALKS))
async def test_any_sequence_ends_as_the_table_says_and_no_import_gives_sight(importing: Importing, seed: int) -> None:
    walk = Walk(importing, random.Random(seed))
    await walk.begin()
    for _ in range(STEPS):
        try:
            await walk.step()
        except AssertionError as e:
            raise AssertionError("\n".join([str(e), *walk.told])) from e
