"""A ledger of a given size in a database of its own, whole, about copies of one student's record."""

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

from app.db import embedded
from app.db.engine import Database
from app.db.migrate import migrate
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
    SELECT md5($1 || '/' || g)::uuid AS compartment,
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
), batches AS (
    SELECT m.*, dense_rank() OVER (ORDER BY m.at) AS batch FROM made m
)
INSERT INTO hallpass.disclosure (compartment, at, request, id, version, type, interaction, student, custodian,
    recipient,
    client, agent, purposes, basis, consent, consent_version, reason, chain, batch)
SELECT compartment, at, request, id, 1, type, interaction, compartment, custodian, recipient, client, NULL, purposes,
    'release',
       consent, 1, NULL, 0, batch FROM batches ORDER BY at
"""
_BATCHES = """
DO $$
DECLARE
    v_batch record;
    v_link  bytea;
BEGIN
    FOR v_batch IN
        SELECT d.batch AS n, d.at, count(*) AS entries, string_agg(hallpass.entry_bytes(
                   d.compartment, d.at, d.request, d.id, d.version, d.type, d.interaction, d.student, d.custodian,
                   d.recipient, d.client, d.agent, d.purposes, d.basis, d.consent, d.consent_version, d.reason), ''
                   ORDER BY d.compartment, d.request, d.id, d.version) AS bytes
        FROM hallpass.disclosure d GROUP BY d.batch, d.at ORDER BY d.batch
    LOOP
        v_link := hallpass.next_link(v_link, v_batch.bytes);
        INSERT INTO hallpass.batch VALUES (0, v_batch.n, v_batch.at, v_batch.entries, v_link);
    END LOOP;
    INSERT INTO hallpass.chain_end SELECT chain, n, link FROM hallpass.batch ORDER BY n DESC LIMIT 1;
END $$
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
    await migrate(database, create=True)
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
    await raw.execute(_BATCHES)
    await raw.execute("VACUUM ANALYZE")
    await raw.close()
    return Loaded(database, found, students, start)


def dsn(database: URL) -> str:
    """The database as asyncpg takes it."""
    return database.set(drivername="postgresql").render_as_string(hide_password=False)
