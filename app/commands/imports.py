"""`hallpass import`: a district's roster, pushed over the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.intake import command
from app.settings import DEFAULT_URL

imports = typer.Typer(help="Push a district's roster over the API.", no_args_is_help=True)


@imports.command()
def edfi(
    folder: Annotated[Path, typer.Argument(help="A folder of Ed-Fi interchange XML files.")],
    client_id: Annotated[str, typer.Option("--client", help="The district's client id.")],
    key: Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")],
    url: Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")] = DEFAULT_URL,
    agency: Annotated[str | None, typer.Option(help="The LocalEducationAgencyId, if the folder has several.")] = None,
) -> None:
    """Push students, contacts and schools; again, only what changed. Exit status 1: some were refused."""
    raise typer.Exit(command.run(folder, url, client_id, key, agency=agency))
