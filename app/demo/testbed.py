"""`hallpass testbed`: a sandbox in a network of real members, with made-up students, which can be begun again.

Its district and clinic have an agreement with each other and with nobody else, and its release names nobody but them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner
from app.db.engine import Database
from app.demo.members import Member, Part, agree, enroll
from app.demo.seed import push, refer
from app.exchange.leaving import leave
from app.exchange.operator import Operator
from app.server import database_url
from app.settings import Settings

_NEWEST = text("""
    SELECT coalesce(max(substring(c.id FROM '^sandbox-district-([0-9]{1,9})$')::integer), 0) FROM hallpass.client c
""")
_ORGANIZATIONS = text("SELECT organization FROM hallpass.client WHERE id IN (:district, :clinic)")
_IS_DONE = text("SELECT EXISTS (SELECT 1 FROM hallpass.resource WHERE custodian = :district AND type = 'Task')")


def seed(settings: Settings, keys: Path, students: int) -> list[Member]:
    """The sandbox as it is, or made: its district and its clinic. The server is running.

    What was cut short is taken up again. Raises Unexpected or HallpassError.
    """
    return _seed(settings, keys, students, max(_newest(), 1))


def reset(settings: Settings, keys: Path, students: int) -> list[Member]:
    """A new sandbox, after the members of the one before have left: their keys and tokens are good no more."""
    newest = _newest()
    for organization in _organizations(newest):
        asyncio.run(leave(Operator(Database(database_url(settings)), settings), organization))
    return _seed(settings, keys, students, newest + 1)


def _seed(settings: Settings, keys: Path, students: int, number: int) -> list[Member]:
    district, clinic = asyncio.run(_enroll(settings, keys, number))
    if not _is_done(district.organization):
        push(settings, district, students)
        asyncio.run(refer(settings, district, clinic))
    return [district, clinic]


async def _enroll(settings: Settings, keys: Path, number: int) -> list[Member]:
    owner, parts = database_url(settings), _parts(number)
    members = {part: await enroll(owner, settings, keys, part) for part in parts}
    await agree(owner, settings, members, [parts])
    return list(members.values())


def _parts(number: int) -> tuple[Part, Part]:
    return (
        Part(f"Sandbox District {number} (made up)", f"sandbox-district-{number}", "CAREMGT"),
        Part(f"Sandbox Clinic {number} (made up)", f"sandbox-clinic-{number}", "TREAT"),
    )


def _newest() -> int:
    async def work(connection: AsyncConnection, _settings: Settings) -> int:
        return int(await connection.scalar(_NEWEST) or 0)

    return as_owner(work)


def _organizations(number: int) -> list[UUID]:
    district, clinic = _parts(number)

    async def work(connection: AsyncConnection, _settings: Settings) -> list[UUID]:
        return list(await connection.scalars(_ORGANIZATIONS, {"district": district.client, "clinic": clinic.client}))

    return as_owner(work)


def _is_done(district: UUID) -> bool:
    async def work(connection: AsyncConnection, _settings: Settings) -> bool:
        return bool(await connection.scalar(_IS_DONE, {"district": district}))

    return as_owner(work)
