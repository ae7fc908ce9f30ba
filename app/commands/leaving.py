"""`hallpass org leave`: a member leaves the network. docs/guides/leaving.md"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated
from uuid import UUID

import typer

from app.console import as_owner, plainly
from app.exchange.leaving import AT_ONCE, Leaving, survey
from app.exchange.leaving import leave as end_all
from app.exchange.operator import Operator
from app.server import open_database
from app.settings import load

_ENDING = {
    "OrganizationAffiliation": "agreements",
    "Consent": "releases",
    "Subscription": "subscriptions",
    "Organization": "directory entries",
}


def leave(
    organization: Annotated[UUID, typer.Argument(help="The organization's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; otherwise it is only said what would end.")] = False,
) -> None:
    """End all that a member has here, with what is a part of it: it gets in no more, and nobody else sees its records.

    Its records and the record of disclosures stay. Run it again where it was broken off.
    """
    with plainly():
        found = as_owner(lambda connection, _: survey(connection, organization))
        if yes:
            settings = load()
            found = asyncio.run(end_all(Operator(open_database(settings), settings), organization, _progress))
        _say(found, "ended" if yes else "would end")


def _progress(done: int, whole: int) -> None:
    """A line that is written over on a terminal, and now and then a line elsewhere."""
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {whole} ended", err=True, nl=done == whole)
    elif done == whole or done % AT_ONCE == 0:
        typer.echo(f"{done} of {whole} ended", err=True)


def _say(found: Leaving, verb: str) -> None:
    counts = [f"{len(found.clients)} clients", *(f"{found.count(name)} {word}" for name, word in _ENDING.items())]
    typer.echo(f"{verb}: {', '.join(counts)}")
    typer.echo(f"in its custody: {', '.join(f'{n} {name}' for name, n in found.kept) or 'nothing'}")
