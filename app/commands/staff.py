"""`hallpass staff`: people of the members, who use the office in a browser. docs/guides/office.md"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients
from app.console import as_owner, plainly
from app.office import staff as registry
from app.office.roles import ROLES
from app.settings import Settings

staff = typer.Typer(help="People of the members, who use the office in a browser.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(help="The person's mail address, or the id that `hallpass staff list` shows.")]


@staff.command("add")
def add(
    address: Annotated[str, typer.Argument(help="The person's mail address.")],
    organization: Annotated[UUID, typer.Option(help="The id of their organization.")],
    name: Annotated[str, typer.Option(help="The person's name, as it stands on the ledger.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "privacy-officer",
) -> None:
    """Add a person and print a link that signs them in once, within a day."""

    async def work(connection: AsyncConnection, settings: Settings) -> str:
        found = await registry.add(connection, organization, name, address, role)
        return await registry.link(connection, found.client, settings.base_url)

    with plainly():
        typer.echo(as_owner(work))


@staff.command("link")
def link(person: Person) -> None:
    """Print a new link that signs a person in once, within a day. Links before it work no more."""

    async def work(connection: AsyncConnection, settings: Settings) -> str:
        found = await registry.named(connection, person)
        return await registry.link(connection, found.client, settings.base_url)

    with plainly():
        typer.echo(as_owner(work))


@staff.command("list")
def list_staff() -> None:
    """List people: address, role, standing, id, organization and name."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[registry.Staff]:
        return await registry.everyone(connection)

    with plainly():
        for each in as_owner(work):
            standing = "disabled" if each.disabled else "active"
            typer.echo(f"{each.address}  {each.role.code}  {standing}  {each.client}  {each.organization}  {each.name}")


@staff.command("disable")
def disable(person: Person) -> None:
    """Shut a person out, for good. Their sessions end at once."""

    async def work(connection: AsyncConnection, _settings: Settings) -> str:
        found = await registry.named(connection, person)
        await registry.disable(connection, found.client, datetime.now(UTC))
        return found.client

    with plainly():
        client = as_owner(work)

        async def await_disclosures(connection: AsyncConnection, _settings: Settings) -> None:
            await clients.await_disclosures(connection, client)

        as_owner(await_disclosures)
        typer.echo(f"{person} is disabled")
