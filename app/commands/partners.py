"""`hallpass partner`: providers without software, who answer referrals by mail. docs/guides/partners.md"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients
from app.console import as_owner, plainly
from app.partner.partners import address_of, partner
from app.settings import Settings

partners = typer.Typer(help="Providers without software, who answer referrals by mail.", no_args_is_help=True)


@partners.command("add")
def add(
    address: Annotated[str, typer.Argument(help="The mail address to which links and codes go.")],
    organization: Annotated[UUID, typer.Option(help="The id of its organization.")],
    name: Annotated[str, typer.Option(help="What it is, for people.")] = "Referrals by mail",
    purpose: Annotated[list[str] | None, typer.Option(help="A purpose of use it may assert; again for more.")] = None,
) -> None:
    """Register an address and print the client's id. `hallpass client disable` shuts it out."""

    async def work(connection: AsyncConnection, _settings: Settings) -> str:
        found = partner(organization, name, address, frozenset(purpose or ["TREAT"]))
        await clients.add(connection, found)
        return found.id

    with plainly():
        typer.echo(as_owner(work))


@partners.command("list")
def list_partners() -> None:
    """List the addresses that stand, each with its client and organization."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[str]:
        found = await clients.everyone(connection)
        return [f"{a}  {c.id}  {c.organization}" for c in found if (a := address_of(c))]

    with plainly():
        for line in as_owner(work):
            typer.echo(line)
