"""`hallpass keys`: the keys with which the server signs access tokens, the key that seals them, and its login."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app import keyring
from app.auth import keys as signing
from app.auth.service import Auth
from app.console import as_owner, plainly
from app.db import login
from app.server import open_database, prepare_schema, require_key
from app.settings import Settings, load

keys = typer.Typer(help="The server's own signing keys.", no_args_is_help=True)


@keys.command("new")
def new() -> None:
    """Print a new key for HALLPASS_KEY. To replace the one in use, put it before that one, and run `keys reseal`."""
    typer.echo(keyring.new())


@keys.command("rotate")
def rotate(
    discard: Annotated[
        bool, typer.Option("--discard", help="First delete the keys that HALLPASS_KEY cannot open; their tokens end.")
    ] = False,
) -> None:
    """Sign new tokens with a new key; the old one verifies until its tokens have expired."""

    async def work() -> None:
        chosen = load()
        db = open_database(chosen)
        try:
            await Auth.create(db, chosen).keys.rotate()
        finally:
            await db.dispose()

    async def forget(connection: AsyncConnection, settings: Settings) -> int:
        return await signing.discard(connection, keyring.Keyring.of(settings))

    with plainly():
        prepare_schema(load())
        if discard:
            typer.echo(f"{as_owner(forget)} keys that cannot be opened are deleted")
        require_key(load())
        asyncio.run(work())
        typer.echo("a new key signs from now on")


@keys.command("reseal")
def reseal() -> None:
    """Seal the signing keys with the first key of HALLPASS_KEY. The others can then be taken out of it."""

    async def work(connection: AsyncConnection, settings: Settings) -> int:
        return await signing.reseal(connection, keyring.Keyring.of(settings))

    with plainly():
        require_key(load())
        typer.echo(f"{as_owner(work)} signing keys are sealed with the first key")


@keys.command("rotate-login")
def rotate_login() -> None:
    """Give new database connections a new login. The one before works until this is run again."""

    async def work(connection: AsyncConnection, _settings: Settings) -> None:
        await login.rotate(connection)

    with plainly():
        as_owner(work)
        typer.echo("new connections have a new login")
