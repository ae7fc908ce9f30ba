"""`hallpass expunge`: content that a law or a court orders to be destroyed. docs/guides/expunging.md"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated
from uuid import UUID

import typer

from app.console import as_owner, plainly
from app.exchange.expunging import Chosen, survey
from app.exchange.expunging import expunge as destroy
from app.exchange.operator import Operator
from app.objects import Objects, StoreFails
from app.server import open_database
from app.settings import load
from app.terminal import stop


def expunge(
    record: Annotated[
        str, typer.Argument(help="Type and id, as in Observation/ID; Patient/ID is all about the student.")
    ],
    authority: Annotated[
        str, typer.Option(help="The law, the schedule or the order's number. It stays on record: no names.")
    ],
    by: Annotated[
        str, typer.Option(help="Who at the custodian asked for it in writing, and when. It stays on record.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; otherwise it is only said what would go.")] = False,
) -> None:
    """Destroy every version of a record for good, or of all that its custodian holds about a student.

    The ledger stays: that there were records, and who received them. Run it again where it was broken off.
    """
    type_name, own_id = _named(record)
    if not authority.strip() or not by.strip():
        raise typer.BadParameter("say on what authority, and who asked for it: both stay on record")
    with plainly():
        found = as_owner(lambda connection, _: survey(connection, type_name, own_id))
        if yes:
            settings = load()
            operator = Operator(open_database(settings), settings)
            work = destroy(operator, type_name, own_id, authority.strip(), by.strip(), Objects.of(settings))
            try:
                found = asyncio.run(work)
            except StoreFails as e:
                stop(f"the records are expunged, but the export store could not be cleared: {e}. Run this again")
    _say(found, "expunged" if yes else "would be expunged")


def _named(record: str) -> tuple[str, UUID]:
    type_name, _, own_id = record.partition("/")
    try:
        return type_name, UUID(own_id)
    except ValueError:
        raise typer.BadParameter("give the type and the id of a record, as in Patient/ID") from None


def _say(found: Chosen, verb: str) -> None:
    counts = Counter(name for name, _, _ in found.records)
    typer.echo(f"{verb}: {', '.join(f'{n} {name}' for name, n in sorted(counts.items())) or 'nothing'}")
    if found.referrers:
        typer.echo(f"look whether these say its name: {', '.join(found.referrers)}")
