"""`hallpass migrate`: the database's schema, brought to this version's."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.console import plainly
from app.db import migrate as migration
from app.server import database_url
from app.settings import load


def migrate(
    create: Annotated[
        bool, typer.Option("--create", help="Create the database if the server has none of its name.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Apply functions, policies and grants though they are this version's.")
    ] = False,
) -> None:
    """Bring the database to this version's schema."""
    with plainly():
        settings = load()
        owner = database_url(settings)
        before, after = asyncio.run(
            migration.migrate(owner, create=create or settings.database_url is None, again=again)
        )
        typer.echo(f"the schema is {after}" if before == after else f"the schema went from {before} to {after}")
