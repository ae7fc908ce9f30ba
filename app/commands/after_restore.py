"""`hallpass after-restore`: a database that is older than its witness, brought to where records may leave again."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Annotated

import typer

from app.console import plainly
from app.exchange.operator import Operator
from app.server import open_database, prepare_schema
from app.settings import Settings, UnsafeSettings, load
from app.witness.folder import Busy, Folder
from app.witness.settle import Settled, Unsettled, abandon, settle

WAIT_SECONDS = 30
MOMENT = "%Y-%m-%d %H:%M:%S"


def after_restore(
    without_witness: Annotated[
        bool, typer.Option("--without-witness", help="The witness is lost: go on without what it knew.")
    ] = False,
) -> None:
    """End again what ended after the moment that the database was restored to, then let records out.

    Exit status 1: something cannot be settled, and nothing leaves still.
    """
    with plainly():
        settings = load()
        prepare_schema(settings)
        operator = Operator(open_database(settings), settings)
        if without_witness:
            asyncio.run(abandon(operator))
            typer.echo("records may leave. What ended in between is not known: ask each member what it ended")
            return
        try:
            done = _settled(settings, operator)
        except Unsettled as e:
            typer.echo(f"hallpass: {e}", err=True)
            raise typer.Exit(1) from None
        typer.echo("\n".join(_report(done)))


def _settled(settings: Settings, operator: Operator) -> Settled:
    """Settle, once the worker has let go of the folder."""
    if settings.witness is None:
        raise UnsafeSettings("HALLPASS_WITNESS: is not set. Name the folder that the worker writes to")
    folder, keeps = Folder(settings.witness), timedelta(days=settings.witness_days)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with folder.held():
                return asyncio.run(settle(operator, folder, keeps))
        except ValueError as e:
            raise UnsafeSettings(f"HALLPASS_WITNESS: {e}") from None
        except Busy:
            if time.monotonic() > deadline:
                raise Unsettled("another process holds the witness. Stop the other `hallpass after-restore`") from None
            time.sleep(0.1)


def _report(done: Settled) -> list[str]:
    if done.since is None or done.until is None:
        return ["the database is as new as its witness: nothing to settle"]
    counts = ", ".join(f"{n} of kind {kind}" for kind, n in sorted(done.ended.items())) or "nothing"
    given = [
        f"given and not on the ledger: {count} versions to organization {organization}, client {client}"
        for (organization, client), count in sorted(done.given.items())
    ]
    return [
        f"the database was as of {done.since:{MOMENT}} UTC, its witness as of {done.until:{MOMENT}} UTC",
        f"ended again: {counts}",
        *(f"  {line}" for line in done.lines),
        *(given or ["no disclosure is missing on the ledger"]),
        "all signing keys, tokens and the app's login before are retired; records may leave",
    ]
