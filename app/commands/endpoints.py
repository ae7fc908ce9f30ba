"""`hallpass endpoint`: where the notifications of each organization may go."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner, plainly
from app.errors import HallpassError, Kind
from app.ledger import security_log
from app.settings import Settings

endpoint = typer.Typer(help="Where the notifications of each organization may go.", no_args_is_help=True)
Organization = Annotated[UUID, typer.Argument(help="The organization's id (`hallpass org list`).")]
Prefix = Annotated[str, typer.Argument(help="An https URL that endpoints begin with, or mailto: and an address.")]
_ALLOW = text(
    "INSERT INTO hallpass.endpoint (organization, prefix) VALUES (:organization, :prefix) ON CONFLICT DO NOTHING"
)
_FORBID = text("DELETE FROM hallpass.endpoint WHERE organization = :organization AND prefix = :prefix")
_LIST = text("SELECT organization, prefix FROM hallpass.endpoint ORDER BY organization, prefix")


@endpoint.command("allow")
def allow(organization: Organization, prefix: Prefix) -> None:
    """Let the Subscriptions of an organization, and of those below it, send to an endpoint."""
    with plainly():
        parts = urlsplit(prefix)
        if not ((parts.scheme == "https" and parts.hostname) or (parts.scheme == "mailto" and "@" in parts.path)):
            raise HallpassError(Kind.INVALID, "An endpoint is an https URL, or mailto: and an address.")
        _change(organization, prefix, _ALLOW, "allowed")
        typer.echo(f"notifications of {organization} may go to {prefix}")


@endpoint.command("forbid")
def forbid(organization: Organization, prefix: Prefix) -> None:
    """Let an organization send there no more. Its Subscriptions that do are refused when they are written again."""
    with plainly():
        _change(organization, prefix, _FORBID, "forbidden")
        typer.echo(f"notifications of {organization} may go to {prefix} no more")


@endpoint.command("list")
def list_() -> None:
    """List the endpoints that are allowed."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[str]:
        return [f"{row.organization}  {row.prefix}" for row in await connection.execute(_LIST)]

    with plainly():
        typer.echo("\n".join(as_owner(work)) or "no endpoint is allowed")


def _change(organization: UUID, prefix: str, statement: object, done: str) -> None:
    async def work(connection: AsyncConnection, _settings: Settings) -> None:
        known = await connection.scalar(
            text("SELECT 1 FROM hallpass.organization WHERE id = :id"), {"id": organization}
        )
        if known is None:
            raise HallpassError(
                Kind.NOT_FOUND, "There is no organization with this id. `hallpass org list` lists them."
            )
        await connection.execute(statement, {"organization": organization, "prefix": prefix})  # type: ignore[call-overload]
        await security_log.record_command(connection, organization, f"endpoint {prefix} {done}")

    as_owner(work)
