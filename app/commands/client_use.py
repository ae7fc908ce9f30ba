"""`hallpass client limit` and `client received`: how much one client may ask, and what it was given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import client_limits, clients
from app.console import as_owner, plainly
from app.errors import HallpassError, Kind
from app.ledger.received import received as entries
from app.ledger.received import refused
from app.limits.limits import Own
from app.settings import Settings

ClientId = Annotated[str, typer.Argument(help="The client's id.")]


def limit(
    client_id: ClientId,
    rate: Annotated[int | None, typer.Option(min=1, help="Requests in a second, over time.")] = None,
    running: Annotated[int | None, typer.Option(min=1, help="Requests that one process works on at once.")] = None,
    logins: Annotated[int | None, typer.Option(min=1, help="Tokens in a second, over time.")] = None,
    default: Annotated[bool, typer.Option("--default", help="As the settings say again.")] = False,
) -> None:
    """Give a client limits of its own, in effect within seconds; what is not named stays. Print what they are."""
    if default and (rate or running or logins):
        raise typer.BadParameter("give --default alone")

    async def work(connection: AsyncConnection, settings: Settings) -> str:
        if await clients.get(connection, client_id) is None:
            raise HallpassError(Kind.NOT_FOUND, "There is no client with this id.")
        own = await client_limits.of(connection, client_id)
        if default or rate or running or logins:
            own = Own() if default else Own(rate or own.rate, running or own.running, logins or own.logins)
            await client_limits.put(connection, client_id, own)
        shown = [
            f"{value or usual} {what}{'' if value else ', as the settings say'}"
            for value, usual, what in (
                (own.rate, settings.client_rate, "requests in a second"),
                (own.running, settings.client_running, "requests at once in each process"),
                (own.logins, settings.login_rate, "tokens in a second"),
            )
        ]
        return f"{client_id}: {'; '.join(shown)}"

    with plainly():
        typer.echo(as_owner(work))


def received(
    client_id: ClientId,
    since: Annotated[datetime, typer.Option(help="From this moment on, in UTC.")],
    until: Annotated[datetime | None, typer.Option(help="Up to this moment, in UTC; now otherwise.")] = None,
) -> None:
    """Print all that a client was given, a JSON object a line: after its key was stolen, what others must be told of.

    A summary goes to stderr, with what the client was refused. Records of its own organization are not on the ledger.
    """
    first, last = since.replace(tzinfo=UTC), (until or datetime.now(UTC)).replace(tzinfo=UTC)

    async def work(connection: AsyncConnection, _settings: Settings) -> None:
        if await clients.get(connection, client_id) is None:
            raise HallpassError(Kind.NOT_FOUND, "There is no client with this id.")
        count, students, custodians = 0, set(), set()
        async for entry in entries(connection, client_id, first, last):
            typer.echo(orjson.dumps(entry))
            count += 1
            students |= {entry["student"]} - {None}
            custodians.add(entry["custodian"])
        told = f"{count} entries about {len(students)} students, of {len(custodians)} custodians"
        typer.echo(f"{told}; besides, any record of its own organization that its scopes name", err=True)
        for kind, detail, times in await refused(connection, client_id, first, last):
            typer.echo(f"refused {times} times: {kind}, {detail}", err=True)

    with plainly():
        as_owner(work)
