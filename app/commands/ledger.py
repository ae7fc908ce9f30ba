"""`hallpass ledger`: the disclosure ledger as the operator looks after it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.commands.feed import feed
from app.console import as_owner, plainly
from app.settings import Settings, load

ledger = typer.Typer(help="The disclosure ledger.", no_args_is_help=True)
ledger.command("feed")(feed)
_DROP = text("SELECT partition, since, until, entries, students FROM hallpass.drop_ledger(:before)")
_DUE = text("""
    SELECT c.relname AS partition FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'hallpass.disclosure'::regclass
      AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''(.*)''\\)'))[1]::timestamptz <= :before
    ORDER BY 1
""")
_SIZES = text("""
    SELECT c.relname AS partition, pg_total_relation_size(c.oid) AS bytes,
           nullif(c.reltuples, -1)::bigint AS entries
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'hallpass.disclosure'::regclass ORDER BY 1
""")


@ledger.command("sizes")
def sizes() -> None:
    """Print each partition of the ledger: a quarter of a year, its size in MB, and about how many entries it holds."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[Any]:
        return list(await connection.execute(_SIZES))

    with plainly():
        found = as_owner(work)
    for row in found:
        entries = "not counted yet" if row.entries is None else row.entries
        typer.echo(f"{row.partition}  {row.bytes / 1e6:.1f} MB  {entries}")


@ledger.command("drop")
def drop(
    yes: Annotated[bool, typer.Option("--yes", help="Drop them; otherwise they are only named.")] = False,
) -> None:
    """Drop the quarters that are past retention (HALLPASS_RETENTION_YEARS). That they were dropped stays on record."""

    with plainly():
        before = _years_ago(datetime.now(UTC), load().retention_years)

        async def work(connection: AsyncConnection, _settings: Settings) -> list[str]:
            if not yes:
                return [f"{r.partition} is past retention" for r in await connection.execute(_DUE, {"before": before})]
            rows = await connection.execute(_DROP, {"before": before})
            return [f"{r.partition} dropped: {r.entries} entries of {r.students} students" for r in rows]

        lines = as_owner(work)
        typer.echo("\n".join(lines) or f"nothing ends before {before:%Y-%m-%d}")


def _years_ago(now: datetime, years: int) -> datetime:
    """The same moment some years before; 1 March for 29 February."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, month=3, day=1)
