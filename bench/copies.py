"""Copies of one student's record in the database, a million if need be: each of its rows, with ids of the copy's own.

The copies differ in their ids, identifiers and times alone, so that each is what the server itself would have stored.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import URL

from bench.network import SAMPLE, Network

TABLES = (
    "resource", "access", "student", "authority", "release", "provision", "validity",
    "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri",
)  # fmt: skip
RELEASED = ("release", "provision", "authority", "validity")
MANY = 20_000
"""From so many copies on it is quicker to make the indexes again."""
_COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
    WHERE a.attrelid = ('hallpass.' || $1)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ORDER BY a.attnum
"""
_INDEXES = """
    SELECT 'hallpass.' || t.relname AS held, 'hallpass.' || x.relname AS name, pg_get_indexdef(i.indexrelid) AS made,
           c.conname AS constrained
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'p'
    WHERE t.relnamespace = 'hallpass'::regnamespace
      AND (t.relname IN ('resource', 'access', 'student') OR t.relname LIKE 'term%')
    ORDER BY pg_relation_size(t.oid) DESC
"""
_IN_BULK = {"max_wal_size": "16GB", "checkpoint_timeout": "1h", "autovacuum": "off"}


async def copies(url: URL, network: Network, numbers: range, *, released: bool, types: tuple[str, ...]) -> None:
    """Copies of the sample student, of these numbers: these types of resource, with the release or without."""
    if not numbers:
        return
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    raw = await asyncpg.connect(dsn)
    try:
        made = [
            statement
            for table in TABLES
            if released or table not in RELEASED
            for statement in await _statements(raw, table, network, numbers, released, types)
        ]
        if len(numbers) < MANY:
            await _run([raw], made)
        else:
            async with _in_bulk(raw, dsn) as connections:
                await _run(connections, made)
    finally:
        await raw.close()


async def _statements(
    raw: Any, table: str, network: Network, numbers: range, released: bool, types: tuple[str, ...]
) -> list[str]:
    """One INSERT for each of the sample's rows: what holds nothing of the sample's own is taken as it is."""
    columns = {c["name"]: c["type"] for c in await raw.fetch(_COLUMNS, table)}
    shown = ", ".join(f"{_text(name)} AS {name}" for name in columns)
    rows = await raw.fetch(
        f"SELECT t.ctid::text AS place, {shown} FROM hallpass.{table} t WHERE t.compartment = $1",
        UUID(network.sample["Patient"]),
    )
    found = []
    for row in rows:
        others = table == "access" and row["org"] != str(network.district.organization)
        if _sample(row, network) and row.get("type", types[0]) in types and (released or not others):
            made = ", ".join(_expression(name, kind, row[name] or "", network) for name, kind in columns.items())
            found.append(
                f"INSERT INTO hallpass.{table} ({', '.join(columns)}) SELECT {made} FROM hallpass.{table} t"
                f" CROSS JOIN generate_series({numbers[0]}, {numbers[-1]}) g(copy) WHERE t.ctid = '{row['place']}'"
            )
    return found


def _sample(row: Any, network: Network) -> bool:
    """Whether a row is of the sample as it is: not what the student got since (bench/swell.py) or an older version."""
    return row.get("id") in (None, *network.sample.values()) and row.get("current") in (None, "true")


def _text(name: str) -> str:
    return "convert_from(t.body, 'UTF8')" if name == "body" else f"t.{name}::text"


def _expression(name: str, kind: str, value: str, network: Network) -> str:
    """What a column of a copy holds."""
    if name == "updated":
        return "t.updated + g.copy * interval '1 millisecond'"
    if name == "consent" and value:  # of each release that the student got, the sample's and those since
        return f"md5('{value}/' || g.copy)::uuid"
    changed = {own: f"md5('{own}/' || g.copy)::uuid" for own in network.sample.values() if own in value}
    if value in changed and kind == "uuid":
        return changed[value]
    for sample, letter in ((SAMPLE, "S"), (SAMPLE.lower(), "s")):
        if sample in value:
            changed[sample] = f"'{letter}-' || lpad(g.copy::text, 8, '0')"
    if not changed or name == "digest":
        return f"t.{name}"
    text = _text(name)
    for old, new in changed.items():
        text = f"replace({text}, '{old}', ({new})::text)"
    return f"convert_to({text}, 'UTF8')" if name == "body" else f"({text})::{kind}"


@asynccontextmanager
async def _in_bulk(raw: Any, dsn: str) -> AsyncIterator[list[Any]]:
    """Connections to fill the tables on, while these have no indexes and the server writes no checkpoints."""
    indexes = await raw.fetch(_INDEXES)
    for index in indexes:
        await raw.execute(
            f"ALTER TABLE {index['held']} DROP CONSTRAINT {index['constrained']}"
            if index["constrained"]
            else f"DROP INDEX {index['name']}"
        )
    connections = [raw, *[await asyncpg.connect(dsn) for _ in range((os.cpu_count() or 1) - 1)]]
    await _configure(raw, {name: f"= '{value}'" for name, value in _IN_BULK.items()})
    for connection in connections:
        await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'")
    try:
        yield connections
        await _run(connections, [index["made"] for index in indexes])
        for index in indexes:
            if index["constrained"]:
                await raw.execute(
                    f"ALTER TABLE {index['held']} ADD CONSTRAINT {index['constrained']} PRIMARY KEY"
                    f" USING INDEX {index['constrained']}"
                )
    finally:
        await _configure(raw, dict.fromkeys(_IN_BULK, "TO DEFAULT"))
        for connection in connections[1:]:
            await connection.close()


async def _configure(raw: Any, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        await raw.execute(f"ALTER SYSTEM SET {name} {value}")
    await raw.execute("SELECT pg_reload_conf()")


async def _run(connections: list[Any], statements: Iterable[str]) -> None:
    """Run statements, each on whichever connection is free."""
    left = iter(statements)

    async def work(connection: Any) -> None:
        await connection.execute("SET statement_timeout = 0")
        for statement in left:
            await connection.execute(statement)

    await asyncio.gather(*map(work, connections))
