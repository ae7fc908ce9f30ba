"""`hallpass ledger feed`: the ledger and the security log for a SIEM, a BALP AuditEvent a line."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner, plainly
from app.ledger import outflow
from app.settings import Settings

SLICE = timedelta(hours=1)
"""What is told before the position is kept."""
POLL_SECONDS = 5.0


def feed(
    since: Annotated[datetime | None, typer.Option(help="From this moment on, in UTC, where nothing was kept.")] = None,
    state: Annotated[Path | None, typer.Option(help="A file that keeps how far it came, to go on from there.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until it is told to end.")] = False,
) -> None:
    """Print the ledger and the security log, an AuditEvent a line, with ids for names and no value of a record.

    Who it breaks off for gets the last lines again: an AuditEvent is known by its id.
    """
    at = _kept(state) or (since and since.replace(tzinfo=since.tzinfo or UTC))
    if at is None:
        raise typer.BadParameter("give --since, or a --state that was written before")
    place = at

    async def work(connection: AsyncConnection, _settings: Settings) -> datetime:
        horizon, reached = await outflow.horizon(connection), place
        while reached < horizon:
            until = min(horizon, reached + SLICE)
            async for event in outflow.told(connection, reached, until):
                typer.echo(orjson.dumps(event))
            reached = until
            _keep(state, reached)
        return reached

    with plainly():
        place = as_owner(work)
        while follow:
            time.sleep(POLL_SECONDS)
            place = as_owner(work)
    typer.echo(f"told until {place.isoformat()}", err=True)


def _kept(state: Path | None) -> datetime | None:
    if state is None or not state.exists():
        return None
    try:
        return datetime.fromisoformat(state.read_text().strip())
    except ValueError:
        raise typer.BadParameter(f"{state} does not hold a moment: remove it, and give --since") from None


def _keep(state: Path | None, reached: datetime) -> None:
    """At once or not at all."""
    if state is not None:
        new = state.with_name(f"{state.name}.new")
        new.write_text(f"{reached.isoformat()}\n")
        new.replace(state)
