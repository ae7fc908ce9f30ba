"""`hallpass serve --demo`: fills a fresh database with made-up members, students and one signed release.

Everything but the members goes over the API. A second start finds it there and does nothing; one that was cut short
is taken up again.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import httpx
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner
from app.demo import releases
from app.demo.api import Api, Unexpected
from app.demo.families import find_family
from app.demo.members import CLINIC, DISTRICT, PARTS, Member, Part, agree, enroll
from app.demo.resources import COUNSELING, referral, task
from app.errors import HallpassError, Kind
from app.intake.command import Job, run
from app.intake.edfi.generate import generate
from app.intake.edfi.reader import EdFi
from app.server import database_url
from app.settings import Settings

STUDENTS = 40
_STANDING = text("""
    SELECT EXISTS (SELECT 1 FROM hallpass.client) AS used,
           EXISTS (SELECT 1 FROM hallpass.client WHERE id = :district) AS begun,
           EXISTS (SELECT 1 FROM hallpass.resource r JOIN hallpass.client c ON c.organization = r.custodian
                   WHERE c.id = :district AND r.type = 'Task') AS done
""")


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far a database has come: something in it, the demonstration begun, the demonstration complete."""

    used: bool
    begun: bool
    done: bool


def require_fresh() -> None:
    """Raise HallpassError for a database that holds an exchange of its own: nothing made up goes in there."""
    standing = _standing()
    if standing.used and not standing.begun:
        raise HallpassError(Kind.CONFLICT, "This database holds an exchange of its own; --demo fills a fresh one.")


def seed(settings: Settings) -> list[Member]:
    """The members, after everything is there. The server is running. Raises Unexpected or HallpassError."""
    members = asyncio.run(_enroll(settings))
    if not _standing().done:
        push(settings, members[DISTRICT])
        asyncio.run(refer(settings, members[DISTRICT], members[CLINIC]))
    return list(members.values())


def _standing() -> _Standing:
    async def work(connection: AsyncConnection, _settings: Settings) -> _Standing:
        row = (await connection.execute(_STANDING, {"district": DISTRICT.client})).one()
        return _Standing(row.used, row.begun, row.done)

    return as_owner(work, create=True)


async def _enroll(settings: Settings) -> dict[Part, Member]:
    owner = database_url(settings)
    members = {part: await enroll(owner, settings, settings.data_dir / "demo", part) for part in PARTS}
    await agree(owner, settings, members)
    return members


def push(settings: Settings, district: Member, students: int = STUDENTS) -> None:
    """A generated roster, as a district's own import pushes it. Raises Unexpected."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), students)
        told = StringIO()
        job = Job(EdFi(Path(folder)), settings.base_url, district.part.client, district.key)
        if run(job, console=Console(file=told, width=200)):
            raise Unexpected(f"the roster was not stored as a whole: {' '.join(told.getvalue().split())}")


async def refer(settings: Settings, district: Member, clinic: Member) -> None:
    """A referral to the clinic, the release that opens it, and its Task; each is made once. Raises Unexpected."""
    async with httpx.AsyncClient(timeout=30) as http:
        api = Api(http, settings.base_url, district)
        family = await find_family(api)
        request = await api.create_once(referral("referral-1", family.student, COUNSELING, clinic.reference))
        await api.create_once(releases.for_clinic("release-1", family, request, district, clinic))
        progress = task("task-1", request, district.reference)
        await api.create_once({**progress, "status": "requested", "owner": clinic.reference})
        # The clinic looks at it, so that the record of disclosures has something to tell.
        await Api(http, settings.base_url, clinic).resource("GET", "ServiceRequest?_include=ServiceRequest:patient")
