"""The `hallpass` command."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from app.auth.service import Auth
from app.capability import package
from app.capability.page import page
from app.capability.reference import reference
from app.commands.clients import client
from app.commands.common import plainly
from app.commands.documents import export_openapi
from app.commands.ledger import ledger
from app.commands.organizations import agreement, org
from app.commands.token import DEFAULT_URL, token
from app.commands.verify import verify
from app.db import migrate as migration
from app.demo import seed, story
from app.demo.api import Unexpected
from app.demo.banner import banner
from app.errors import HallpassError
from app.intake import command as edfi_command
from app.server import database_url, open_database, prepare_schema
from app.server import serve as run_server
from app.settings import Settings, load

app = typer.Typer(
    help="Hallpass: a FHIR R4 exchange that lets out what a signed release permits, and nothing else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
imports = typer.Typer(help="Push a district's roster over the API.", no_args_is_help=True)
keys = typer.Typer(help="The server's own signing keys.", no_args_is_help=True)
app.add_typer(org, name="org")
app.add_typer(agreement, name="agreement")
app.add_typer(client, name="client")
app.add_typer(ledger, name="ledger")
app.add_typer(imports, name="import")
app.add_typer(keys, name="keys")


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Fill a fresh database with made-up data.")] = False,
) -> None:
    """Start the API. Settings are environment variables; `hallpass settings` lists them."""
    with plainly():
        chosen = load()
        if demo:
            seed.require_fresh()
        run_server(chosen, partial(_ready, chosen, demo))


def _ready(chosen: Settings, demo: bool) -> None:
    """Say where the server is; with `demo`, after the data is there. Without it, the server stops again."""
    try:
        typer.echo(banner(chosen, seed.seed(chosen)) if demo else f"Hallpass serves {chosen.fhir_base}")
    except (HallpassError, Unexpected, httpx.HTTPError) as e:
        typer.echo(f"hallpass: the made-up data could not be stored: {e}", err=True)
        signal.raise_signal(signal.SIGTERM)


@app.command()
def demo(
    roster: Annotated[
        Path | None,
        typer.Option(help="A folder of Ed-Fi files; otherwise the sample in ../shared/data, or a made-up one."),
    ] = None,
) -> None:
    """Tell the story of one referral against a fresh server of its own. Exit status 1: something differs from it."""
    with plainly():
        raise typer.Exit(story.run(roster, Console()))


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    with plainly():
        before, after = asyncio.run(migration.migrate(database_url(load())))
        typer.echo(f"the schema is {after}" if before == after else f"the schema went from {before} to {after}")


@app.command()
def settings() -> None:
    """List the settings, each with its default and what it does."""
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"HALLPASS_{name.upper()}")
        default = "none" if field.default in (None, ()) else field.default
        typer.echo(f"{variable}  [{default}]\n    {field.description}")


app.command()(token)
app.command()(verify)


@imports.command()
def edfi(
    folder: Annotated[Path, typer.Argument(help="A folder of Ed-Fi interchange XML files.")],
    client_id: Annotated[str, typer.Option("--client", help="The district's client id.")],
    key: Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")],
    url: Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")] = DEFAULT_URL,
    agency: Annotated[str | None, typer.Option(help="The LocalEducationAgencyId, if the folder has several.")] = None,
) -> None:
    """Push students, contacts and schools; again, only what changed. Exit status 1: some were refused."""
    raise typer.Exit(edfi_command.run(folder, url, client_id, key, agency=agency))


@keys.command("rotate")
def rotate_keys() -> None:
    """Sign new tokens with a new key; the old one verifies until its tokens have expired."""

    async def rotate() -> None:
        chosen = load()
        db = open_database(chosen)
        try:
            await Auth.create(db, chosen).keys.rotate()
        finally:
            await db.dispose()

    with plainly():
        prepare_schema(load())
        asyncio.run(rotate())
        typer.echo("a new key signs from now on")


app.command("export-openapi")(export_openapi)


@app.command("export-reference")
def export_reference(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("docs"),
) -> None:
    """Write docs/reference.md and docs/profiles.md: what can be asked of the server, and what it carries."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("reference.md", reference()), ("profiles.md", page())):
        (folder / name).write_text(text)
        typer.echo(folder / name)


@app.command("export-package")
def export_package(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("dist"),
) -> None:
    """Write the profiles, codes and examples as a FHIR package, which validators and other servers load."""
    typer.echo(package.write(folder))


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
