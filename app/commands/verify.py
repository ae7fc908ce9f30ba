"""`hallpass verify`: whether everything that is computed from the resources is what it should be."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from app.console import plainly
from app.exchange.verify import Verifier
from app.server import open_database, prepare_schema
from app.settings import load


def verify(repair: Annotated[bool, typer.Option("--repair", help="Compute again what differs.")] = False) -> None:
    """Recompute what is computed from the resources, and report any difference. Exit status 1: there is one."""
    with plainly():
        settings = load()
        prepare_schema(settings)
        verifier = Verifier(open_database(settings), settings)
        count = asyncio.run(_run(verifier, repair=repair))
        typer.echo(f"{count} differences" + (", mended where they can be" if repair and count else ""))
        raise typer.Exit(1 if count and not repair else 0)


async def _run(verifier: Verifier, *, repair: bool) -> int:
    count = 0
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=None)
        async for difference in verifier.run(
            repair=repair, progress=lambda done, of: bar.update(task, completed=done, total=of)
        ):
            typer.echo(f"{difference.what}: {difference.where}")
            count += 1
    return count
