"""`hallpass keys`: the keys with which the server signs access tokens."""

from __future__ import annotations

import asyncio

import typer

from app.auth.service import Auth
from app.console import plainly
from app.server import open_database, prepare_schema
from app.settings import load

keys = typer.Typer(help="The server's own signing keys.", no_args_is_help=True)


@keys.command("rotate")
def rotate() -> None:
    """Sign new tokens with a new key; the old one verifies until its tokens have expired."""

    async def work() -> None:
        chosen = load()
        db = open_database(chosen)
        try:
            await Auth.create(db, chosen).keys.rotate()
        finally:
            await db.dispose()

    with plainly():
        prepare_schema(load())
        asyncio.run(work())
        typer.echo("a new key signs from now on")
