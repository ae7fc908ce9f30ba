"""`hallpass client`: the programs that may call, each for one organization."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients, jose
from app.auth.keyfile import write_key
from app.commands import client_use
from app.console import as_owner, plainly
from app.settings import Settings

client = typer.Typer(help="The clients: programs that call, each for one organization.", no_args_is_help=True)

client.command("limit")(client_use.limit)
client.command("received")(client_use.received)

KeySource = Annotated[str | None, typer.Option(help="Where its public keys are: an https URL, or a file with a JWKS.")]
MakeKey = Annotated[Path | None, typer.Option(help="Make a key pair, and write the private key (a JWK) to this file.")]


@client.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is, for people.")],
    organization: Annotated[UUID, typer.Option(help="The id of its organization.")],
    scope: Annotated[list[str] | None, typer.Option(help="The most it may be granted; again for more.")] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="A purpose of use it may assert; again for more.")] = None,
    jwks: KeySource = None,
    make_key: MakeKey = None,
    client_id: Annotated[str | None, typer.Option("--id", help="Its id; one is made otherwise.")] = None,
    emergency: Annotated[bool, typer.Option("--emergency", help="It may break the glass, with a reason.")] = False,
) -> None:
    """Register a client and print its id."""

    keys, private = _keys(jwks, make_key)

    async def work(connection: AsyncConnection, settings: Settings) -> str:
        found = clients.registration(
            id=client_id,
            organization=organization,
            name=name,
            scopes=scope or ["system/*.cruds"],
            purposes=purpose or ["TREAT"],
            emergency=emergency,
            allow_http=settings.allow_http_jwks,
            **keys,
        )
        await clients.add(connection, found)
        write_key(make_key, private)
        return found.id

    with plainly():
        typer.echo(as_owner(work))


@client.command("list")
def list_clients() -> None:
    """Print each client: id, organization, standing and name; below it when it last got a token, and what it may."""

    async def work(
        connection: AsyncConnection, _settings: Settings
    ) -> tuple[list[clients.Client], dict[str, datetime]]:
        return await clients.everyone(connection), await clients.last_logins(connection)

    with plainly():
        listed, used = as_owner(work)
    for found in listed:
        standing = "disabled" if found.disabled else "active"
        last = f"last token {used[found.id]:%Y-%m-%d %H:%M} UTC" if found.id in used else "no token yet"
        purposes = " ".join(sorted(found.purposes)) or "none"
        emergency = "; may break the glass" if found.emergency else ""
        typer.echo(f"{found.id}  {found.organization}  {standing}  {found.name}")
        typer.echo(f"    {last}; scopes {' '.join(found.scopes)}; purposes {purposes}{emergency}")


@client.command("rotate")
def rotate(
    client_id: Annotated[str, typer.Argument(help="The client's id.")],
    jwks: KeySource = None,
    make_key: MakeKey = None,
) -> None:
    """Replace a client's keys. The old ones stop working at once."""

    keys, private = _keys(jwks, make_key)

    async def work(connection: AsyncConnection, settings: Settings) -> None:
        await clients.rotate_key(connection, client_id, allow_http=settings.allow_http_jwks, **keys)
        write_key(make_key, private)

    with plainly():
        as_owner(work)
        typer.echo(f"{client_id} has new keys")


@client.command("disable")
def disable(client_id: Annotated[str, typer.Argument(help="The client's id.")]) -> None:
    """Shut a client out, for good. Its tokens stop working at once."""

    async def work(connection: AsyncConnection, _settings: Settings) -> None:
        await clients.disable(connection, client_id, datetime.now(UTC))

    async def await_disclosures(connection: AsyncConnection, _settings: Settings) -> None:
        await clients.await_disclosures(connection, client_id)

    with plainly():
        as_owner(work)
        as_owner(await_disclosures)
        typer.echo(f"{client_id} is disabled")


def _keys(jwks: str | None, make_key: Path | None) -> tuple[dict[str, Any], jose.Jwk | None]:
    """The registration's keys, from a URL, a file, or made here; and then the private one."""
    if (jwks is None) == (make_key is None):
        raise typer.BadParameter("give --jwks or --make-key, one of them")
    if make_key is not None:
        key = jose.generate()
        return {"jwks": {"keys": [jose.public(key)]}}, key
    assert jwks is not None
    if jwks.startswith(("https://", "http://")):
        return {"jwks_uri": jwks}, None
    try:
        return {"jwks": json.loads(Path(jwks).read_text())}, None
    except (OSError, ValueError) as e:
        raise typer.BadParameter(f"there is no JWKS in {jwks}") from e
