"""`hallpass staff`: people of the members, who use the office in a browser. docs/guides/office.md"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients
from app.console import as_owner, plainly
from app.errors import HallpassError, Kind
from app.keyring import Keyring
from app.office import providers
from app.office import staff as registry
from app.office.roles import ROLES
from app.settings import Settings

staff = typer.Typer(help="People of the members, who use the office in a browser.", no_args_is_help=True)
provider = typer.Typer(help="By whom the staff of a member signs in: OpenID Connect.", no_args_is_help=True)
staff.add_typer(provider, name="provider")
Caseload = Annotated[
    list[str] | None,
    typer.Option(
        help="Whose students they see: Group/ID, or themselves in teams, as Practitioner/ID or PractitionerRole/ID. "
        "Repeat it; without it they see all."
    ),
]
Person = Annotated[str, typer.Argument(help="The person's mail address, or the id that `hallpass staff list` shows.")]


@staff.command("add")
def add(
    address: Annotated[str, typer.Argument(help="The person's mail address.")],
    organization: Annotated[UUID, typer.Option(help="The id of their organization.")],
    name: Annotated[str, typer.Option(help="The person's name, as it stands on the ledger.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "privacy-officer",
    caseload: Caseload = None,
) -> None:
    """Add a person and print a link that signs them in once, within a day."""

    async def work(connection: AsyncConnection, settings: Settings) -> str:
        found = await registry.add(connection, organization, name, address, role, caseload)
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


@staff.command("caseload")
def limit(
    person: Person,
    caseload: Caseload = None,
    everyone: Annotated[bool, typer.Option("--all", help="All students that the role sees.")] = False,
) -> None:
    """Limit a person to the students of a caseload, from the next page that they open on."""

    async def work(connection: AsyncConnection, _settings: Settings) -> None:
        await registry.limit(connection, await registry.named(connection, person), None if everyone else caseload)

    with plainly():
        if everyone is bool(caseload):
            raise HallpassError(Kind.INVALID, "Give --caseload, once or more, or else --all.")
        as_owner(work)
        typer.echo(f"{person} sees {'all students of the role' if everyone else 'the students of the caseload'}")


@staff.command("list")
def list_staff() -> None:
    """List people: address, role, standing, id, organization, name, and the caseload where there is one."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[registry.Staff]:
        return await registry.everyone(connection)

    with plainly():
        for each in as_owner(work):
            standing = "disabled" if each.disabled else "active"
            limited = "" if each.caseload is None else f"  {' '.join(each.caseload)}"
            line = f"{each.address}  {each.role.code}  {standing}  {each.client}  {each.organization}  {each.name}"
            typer.echo(line + limited)


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


@provider.command("add")
def add_provider(
    name: Annotated[str, typer.Argument(help="Its name in the address of the sign-in page, such as cedar-isd.")],
    organization: Annotated[UUID, typer.Option(help="The id of the member whose staff it knows.")],
    issuer: Annotated[str, typer.Option(help="The provider's issuer: an https URL.")],
    client_id: Annotated[str, typer.Option(help="The client id that the provider gave you.")],
    secret_file: Annotated[Path | None, typer.Option(help="A file with the client secret, if it gave you one.")] = None,
) -> None:
    """Register a provider. Prints the sign-in page, and the redirect URI that the provider asks for."""

    async def work(connection: AsyncConnection, settings: Settings) -> str:
        secret = secret_file.read_text().strip() if secret_file else None
        found = providers.Provider(name, organization, issuer, client_id, secret)
        await providers.add(connection, found, Keyring.of(settings), allow_http=settings.allow_http_jwks)
        return f"{settings.base_url}/office/sign-in/{name}"

    with plainly():
        page = as_owner(work)
        typer.echo(f"{page}\nredirect URI: {page}/back")


@provider.command("list")
def list_providers() -> None:
    """List providers: name, organization, issuer and client id."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[providers.Provider]:
        return await providers.everyone(connection)

    with plainly():
        for each in as_owner(work):
            typer.echo(f"{each.name}  {each.organization}  {each.issuer}  {each.client_id}")


@provider.command("remove")
def remove_provider(name: Annotated[str, typer.Argument(help="The provider's name.")]) -> None:
    """Take a provider away. Who is signed in stays so until their session ends."""

    async def work(connection: AsyncConnection, _settings: Settings) -> None:
        await providers.remove(connection, name)

    with plainly():
        as_owner(work)
        typer.echo(f"{name} is removed")
