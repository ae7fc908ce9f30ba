"""An import into the real exchange, and the district, the clinic and the questions that tests ask around it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from app.db.engine import Database
from app.errors import HallpassError
from app.intake.answers import Status
from app.intake.command import Job, perform
from app.intake.report import Report
from app.intake.roster.source import Source
from tests import build
from tests.world import BASE, Member, World, open_world


@dataclass
class Importing:
    """A district that imports, a clinic that asks, and what the last import said."""

    world: World
    district: Member
    clinic: Member
    folder: Path
    report: Report = field(default_factory=lambda: Report(Console(file=io.StringIO(), width=300)))

    async def run(self, source: Source, **options: Any) -> Report:
        """Import a source, and read it even where nothing in it changed. Raises HallpassError where it cannot run."""
        key = self.folder / "key.json"
        key.write_bytes(orjson.dumps(self.district.key))
        self.report = Report(Console(file=io.StringIO(), width=300))
        await perform(
            Job(source, BASE, self.district.client_id, key, **{"full": True, **options}), self.report, self.world.http
        )
        return self.report

    async def refused(self, source: Source, **options: Any) -> str:
        """Import a source that is refused as a whole; answers why."""
        try:
            await self.run(source, **options)
        except HallpassError as e:
            return " ".join(i.text for i in e.issues)
        raise AssertionError(self.printed)

    @property
    def printed(self) -> str:
        """What the last import printed."""
        assert isinstance(self.report.console.file, io.StringIO)
        return self.report.console.file.getvalue()

    def counts(self, kind: str) -> dict[str, int]:
        """What became of the records of a kind, without the zeros."""
        return {s.value: n for s in Status if (n := self.report.counts[kind, s])}

    async def every(self, path: str) -> list[dict[str, Any]]:
        """All of the district's resources of a search, whatever the number of pages."""
        found: list[dict[str, Any]] = []
        url: str | None = path
        while url:
            bundle = (await self.district.get(url)).json()
            found += [e["resource"] for e in bundle.get("entry", [])]
            url = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
        return found

    async def one(self, path: str) -> dict[str, Any]:
        """The only resource of a search of the district's."""
        found = await self.every(path)
        assert len(found) == 1, found
        return found[0]

    async def change(self, resource: dict[str, Any], **elements: Any) -> dict[str, Any]:
        """A person at the district changes a record over the API; None takes an element away."""
        now = (await self.district.get(f"/{resource['resourceType']}/{resource['id']}")).json()
        return await self.district.save({k: v for k, v in {**now, **elements}.items() if v is not None})

    async def sign(self, student: dict[str, Any], signer: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A release of the student's Patient and contacts to the clinic."""
        consent = build.consent(
            student,
            signer,
            self.district.reference,
            self.clinic.reference,
            classes=("Patient", "RelatedPerson"),
            **more,
        )
        return await self.district.create(consent)

    async def sees(self, student: dict[str, Any]) -> bool:
        """Whether the clinic sees a student."""
        return (await self.clinic.get(f"/Patient/{student['id']}")).status_code == 200


@asynccontextmanager
async def importing_into(db: Database, folder: Path, **settings: Any) -> AsyncIterator[Importing]:
    """A district and a clinic with an agreement, over a fresh database."""
    async with open_world(db, **settings) as world:
        district, clinic = await world.member("District"), await world.member("Clinic")
        await world.agree(district, clinic)
        yield Importing(world, district, clinic, folder)
