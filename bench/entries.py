"""A ledger of a given size in a database of its own: whole chains, about copies of one student's record."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import psutil
from sqlalchemy import URL

from app.store import embedded
from app.store.engine import Database
from app.store.migrate import migrate
from bench import network
from bench.copies import copies
from bench.network import Network, copy_id
from tests.world import open_world

EACH = 100
"""Entries of a student."""
YEARS = 3
OTHERS = 9
"""Recipients beside the clinic, which has a fifth of all entries."""
ALL = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Consent")
_LOAD = """
WITH drawn AS (
    SELECT md5($1 || '/' || g)::uuid AS shard,
           $2::timestamptz + k * ($3::interval / {each}) + g * interval '7 ms' AS at,
           md5('request/' || g || '/' || k / 2)::uuid AS request,
           md5((ARRAY[$1, $4, $5, $4])[1 + k % 4] || '/' || g)::uuid AS id,
           (ARRAY['Patient', 'ServiceRequest', 'Encounter', 'ServiceRequest'])[1 + k % 4] AS type,
           (ARRAY['read', 'search', 'everything', 'vread'])[1 + k % 4] AS interaction,
           ($6::uuid[])[CASE WHEN k % 5 = 0 THEN 1 ELSE 2 + (g + k) % {others} END] AS recipient,
           md5($7 || '/' || g)::uuid AS consent
    FROM generate_series(1, $8::int) g, generate_series(0, {each} - 1) k
), made AS (
    SELECT d.*, $9::uuid AS custodian, 'client-' || left(d.recipient::text, 8) AS client,
           '{{TREAT}}'::text[] AS purposes
    FROM drawn d
), linked AS MATERIALIZED (
    SELECT m.*, row_number() OVER w AS n, hallpass.linked(NULL, hallpass.entry_hash(
        m.shard, m.at, m.request, m.id, 1, m.type, m.interaction, m.shard, m.custodian, m.recipient, m.client, NULL,
        m.purposes, 'release', m.consent, 1, NULL)) OVER w AS link
    FROM made m WINDOW w AS (PARTITION BY m.shard ORDER BY m.at ROWS UNBOUNDED PRECEDING)
), ends AS (
    INSERT INTO hallpass.chain SELECT DISTINCT ON (shard) shard, n, link FROM linked ORDER BY shard, n DESC
)
INSERT INTO hallpass.disclosure (shard, at, request, id, version, type, interaction, student, custodian, recipient,
    client, agent, purposes, basis, consent, consent_version, reason, n, link)
SELECT shard, at, request, id, 1, type, interaction, shard, custodian, recipient, client, NULL, purposes, 'release',
       consent, 1, NULL, n, link FROM linked ORDER BY at
"""


@dataclass(frozen=True)
class Loaded:
    """The database with its ledger, and who is who."""

    database: URL
    network: Network
    students: int
    start: datetime

    def student(self, number: int) -> UUID:
        """The id of a student."""
        return copy_id(self.network.sample["Patient"], number)


@contextmanager
def loaded(count: int) -> Iterator[Loaded]:
    """A ledger of so many entries in an embedded server of its own."""
    home = Path(tempfile.mkdtemp(prefix="hallpass-bench-"))
    home.chmod(0o755)
    try:
        database = embedded.start(home).set(database="bench")
        yield asyncio.run(_load(database, count // EACH))
    finally:
        postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(30)
        shutil.rmtree(home, ignore_errors=True)


async def _load(database: URL, students: int) -> Loaded:
    await migrate(database)
    async with open_world(Database(database), token_seconds=3600) as world:
        found = await network.members(world)
        others = [await world.operator.add_organization(f"Clinic {n}") for n in range(OTHERS)]
    await copies(database, found, range(1, students + 1), released=True, types=ALL)
    start = datetime.now(UTC) - timedelta(days=365 * YEARS)
    sample = found.sample
    raw = await asyncpg.connect(dsn(database))
    await raw.execute("SET statement_timeout = 0; SET work_mem = '256MB'")
    await raw.execute("SELECT hallpass.partition_ledger($1::date, now()::date)", start.date())
    await raw.execute(
        _LOAD.format(each=EACH, others=OTHERS), sample["Patient"], start, timedelta(days=365 * YEARS - 1),
        sample["ServiceRequest"], sample["Encounter"], [found.clinic.organization, *others], sample["Consent"],
        students, found.district.organization,
    )  # fmt: skip
    await raw.execute("VACUUM ANALYZE")
    await raw.close()
    return Loaded(database, found, students, start)


def dsn(database: URL) -> str:
    """The database as asyncpg takes it."""
    return database.set(drivername="postgresql").render_as_string(hide_password=False)
