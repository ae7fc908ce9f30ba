"""What is measured: a database of its own with a network in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import URL

from app.db import embedded
from app.db.engine import Database
from app.db.migrate import migrate
from bench import network
from bench.copies import copies
from bench.network import Network
from tests.world import open_world

ALL = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Consent")
HELD = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter")
LEAN = ("Patient", "ServiceRequest")
"""What a million students can have and still be loaded in minutes."""
_BARE = (
    "CREATE SCHEMA bench",
    "CREATE TABLE bench.bare (id uuid PRIMARY KEY, page uuid, student uuid, updated timestamptz, body bytea)",
    "INSERT INTO bench.bare SELECT id, NULL, student, updated, body FROM hallpass.resource"
    " WHERE type IN ('ServiceRequest', 'Patient')",
    "CREATE INDEX ON bench.bare (page, updated DESC, id DESC)",
)


@dataclass(frozen=True)
class Stage:
    """A network in a database, and the tokens of its members."""

    home: Path
    database: URL
    network: Network
    students: int

    @property
    def dsn(self) -> str:
        """The database as asyncpg takes it."""
        return self.database.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def postmaster(self) -> int:
        """The process that all of the database's come from."""
        return _postmaster(self.home)


@contextmanager
def stage(students: int, released: int, held: tuple[str, ...] = HELD) -> Iterator[Stage]:
    """A network of so many students in an embedded server of its own; of some the clinic sees all but the parent."""
    home = Path(tempfile.mkdtemp(prefix="hallpass-bench-"))
    home.chmod(0o755)
    try:
        database = embedded.start(home).set(database="bench")
        yield Stage(home, database, asyncio.run(_fill(database, students, released, held)), students)
    finally:
        os.kill(_postmaster(home), signal.SIGINT)
        time.sleep(1)
        shutil.rmtree(home, ignore_errors=True)


def _postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


async def _fill(database: URL, students: int, released: int, held: tuple[str, ...]) -> Network:
    await migrate(database, create=True)
    db = Database(database)
    async with open_world(db, token_seconds=3600) as world:
        found = await network.members(world)
    await copies(database, found, range(1, released), released=True, types=ALL)
    await copies(database, found, range(released, students), released=False, types=held)
    await run(database, "VACUUM ANALYZE", "CHECKPOINT")
    return found


def lay_bare(stage: Stage) -> None:
    """The table of the bare limit, with the bodies of the referrals and students."""
    clinic = stage.network.clinic.organization
    paged = (
        f"UPDATE bench.bare SET page = '{clinic}' WHERE id IN (SELECT id FROM"
        f" hallpass.access WHERE org = '{clinic}' AND type = 'ServiceRequest')"
    )
    asyncio.run(run(stage.database, *_BARE, paged, "VACUUM ANALYZE bench.bare"))


async def run(database: URL, *statements: str) -> None:
    """Run statements as the owner, each by itself."""
    raw = await asyncpg.connect(database.set(drivername="postgresql").render_as_string(hide_password=False))
    for statement in statements:
        await raw.execute(statement)
    await raw.close()
