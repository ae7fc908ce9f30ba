"""A migration runs while the version before serves: it adds to the tables, and no request fails for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy import URL, text

from app.db.engine import Database
from app.db.migrate import Source, migrate
from tests import build
from tests.databases import rows
from tests.db.sources import edit, source
from tests.scene import Scene, set_scene
from tests.world import open_world

__all__ = ["source"]

EXPAND = (
    "ALTER TABLE hallpass.resource ADD COLUMN origin text",
    "ALTER TABLE hallpass.release ADD COLUMN origin text",
    "ALTER TABLE hallpass.provision ADD COLUMN weight integer NOT NULL DEFAULT 0",
    "ALTER TABLE hallpass.disclosure ADD COLUMN device text",
    "ALTER TABLE hallpass.access ADD COLUMN origin text",
    "ALTER TABLE hallpass.validity ADD COLUMN origin text",
    "CREATE INDEX resource_updated ON hallpass.resource (updated)",
    "UPDATE hallpass.release SET origin = 'before'",
)
"""One table for each migration."""
MIGRATION = """
from alembic import op

revision = "{n:04}"
down_revision = "{before:04}"


def upgrade():
    op.execute({statement!r})
"""
ROUNDS_AFTER = 30
"""How many answers of each kind are awaited after the migration."""
Ask = Callable[[], Awaitable[httpx.Response]]


class Load:
    """Requests of every kind, one after the other in each of several tasks, and their statuses by kind."""

    def __init__(self, asks: dict[str, Ask]) -> None:
        self._asks = asks
        self.answers: Counter[tuple[str, int]] = Counter()
        self.errors: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the body runs, the requests do."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._repeat(kind, ask)) for kind, ask in self._asks.items()]
            yield
            for task in tasks:
                task.cancel()

    async def more(self) -> None:
        """Wait until each kind has been answered some times more."""
        before = Counter(kind for kind, _ in self.answers.elements())
        async with asyncio.timeout(120):
            while any(self._count(kind) < before[kind] + ROUNDS_AFTER for kind in self._asks):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def _count(self, kind: str) -> int:
        return sum(n for (k, _), n in self.answers.items() if k == kind)

    async def _repeat(self, kind: str, ask: Ask) -> None:
        while True:
            response = await ask()
            if response.status_code == 429:  # this machine is busy: the client waits as it is told
                await asyncio.sleep(float(response.headers["Retry-After"]))
                continue
            self.answers[kind, response.status_code] += 1
            if response.status_code >= 400:
                self.errors.append(f"{kind}: {response.status_code} {response.text}")


def requests(scene: Scene) -> dict[str, Ask]:
    """Each way to read and write, as the custodian and as a recipient under a release."""
    district, clinic, student = scene.district, scene.clinic, scene.student
    referral = scene.records["ServiceRequest"]

    async def update() -> httpx.Response:
        current: dict[str, Any] = (await district.get(f"/Encounter/{scene.records['Encounter']['id']}")).json()
        return await district.put(f"/Encounter/{current['id']}", {**current, "status": "in-progress"})

    async def release() -> httpx.Response:
        consent = await scene.release("Encounter")
        return await district.put(f"/Consent/{consent['id']}", {**consent, "status": "inactive"})

    return {
        "read": lambda: district.get(f"/Patient/{student['id']}"),
        "read under a release": lambda: clinic.get(f"/ServiceRequest/{referral['id']}"),
        "history": lambda: district.get(f"/Encounter/{scene.records['Encounter']['id']}/_history?_count=5"),
        "search": lambda: district.get(
            f"/ServiceRequest?subject={student['id']}&_count=5&_include=ServiceRequest:subject"
        ),
        "search under a release": lambda: clinic.get("/ServiceRequest?_count=5"),
        "create": lambda: district.post("/ServiceRequest", build.referral(student)),
        "update": update,
        "release": release,
    }


async def test_a_migration_waits_for_a_long_request_and_keeps_none_waiting_for_long(
    database: URL, db: Database, source: Source
) -> None:
    edit(source, "policies/release.sql", "CREATE POLICY", "-- changed\nCREATE POLICY")
    async with db.begin() as connection:
        await connection.execute(text("SELECT count(*) FROM hallpass.release"))
        migration = asyncio.create_task(migrate(database, source))
        await asyncio.sleep(2)
        async with asyncio.timeout(2), db.begin() as other:  # behind the migration, in the queue for the lock
            await other.execute(text("SELECT count(*) FROM hallpass.release"))
        assert not migration.done()
    await migration


async def test_no_request_fails_while_a_migration_runs(database: URL, source: Source) -> None:
    for n, statement in enumerate(EXPAND, 2):
        planted = MIGRATION.format(n=n, before=n - 1, statement=statement)
        (source.migrations / "versions" / f"{n:04}_expand.py").write_text(planted)
    for table, last, column in (
        ("resource", "clinical        tstzrange", "origin text"),
        ("release", "recipients uuid[] NOT NULL", "origin text"),
        ("provision", "about           tstzrange", "weight integer NOT NULL DEFAULT 0"),
        ("disclosure", "batch           bigint NOT NULL", "device text"),
        ("access", "custodian uuid NOT NULL", "origin text"),
        ("validity", "root_until timestamptz NOT NULL", "origin text"),
    ):
        edit(source, f"tables/{table}.sql", f"    {last},", f"    {last},\n    {column},")
    edit(source, "functions/statement_time.sql", "statement_timestamp()", "statement_timestamp() + interval '0'")
    patient = Database(database, statement_timeout_ms=600_000)  # what fails here fails by the migration alone
    async with open_world(patient) as world:
        scene = await set_scene(world, "ServiceRequest", "Encounter")
        load = Load(requests(scene))
        async with load.running():
            await load.more()
            for _ in range(3):
                assert (await migrate(database, source))[1] == f"{len(EXPAND) + 1:04}"
                await load.more()
    await patient.dispose()
    assert load.errors == []
    assert "before" in {r[0] for r in await rows(database, "SELECT origin FROM hallpass.release")}
