"""`hallpass guardians`: who may sign for a student, where the roster does not say."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import httpx
import typer

from app.intake.guardians import mark as mark_one
from app.intake.push import Exchange
from app.intake.token import Tokens, private_key
from app.settings import DEFAULT_URL
from app.terminal import plainly

guardians = typer.Typer(help="Who may sign for a student.", no_args_is_help=True)


@guardians.callback()
def _guardians() -> None:
    """Who may sign for a student."""


@guardians.command()
def mark(
    student: Annotated[str, typer.Option(help="The student's id in the roster.")],
    contact: Annotated[str, typer.Option(help="The contact's id in the roster.")],
    client_id: Annotated[str, typer.Option("--client", help="The district's client id.")],
    key: Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")],
    url: Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")] = DEFAULT_URL,
    authority: Annotated[bool, typer.Option("--authority/--no-authority", help="Whether the contact may sign.")] = True,
) -> None:
    """Mark a contact as one who may sign, or who may not. No import gives authority back that was taken here."""

    async def run() -> str:
        async with httpx.AsyncClient(timeout=30) as http:
            tokens = Tokens(http, f"{url.rstrip('/')}/auth/token", client_id, private_key(key))
            return await mark_one(Exchange(http, url.rstrip("/"), tokens), student, contact, authority=authority)

    with plainly():
        person = asyncio.run(run())
        typer.echo(f"RelatedPerson/{person} {'may' if authority else 'may not'} sign")
