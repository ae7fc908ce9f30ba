"""`hallpass doctor`: what an operator should mend, and how."""

from __future__ import annotations

import typer

from app.console import as_owner, plainly
from app.exchange.diagnosis import diagnose


def doctor() -> None:
    """Look for what is unsafe, and say what to do. Exit status 1: something must be mended before serving."""

    with plainly():
        found = as_owner(diagnose)
    for finding in sorted(found, key=lambda f: not f.serious):
        typer.echo(f"{'MEND' if finding.serious else 'note'}  {finding.what}. {finding.todo}")
    if not found:
        typer.echo("nothing to mend")
    raise typer.Exit(1 if any(f.serious for f in found) else 0)
