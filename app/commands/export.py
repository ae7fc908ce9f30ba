"""`hallpass export`: pulls a bulk export as a client, as NDJSON or as flat tables. docs/guides/bulk.md"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from app.errors import HallpassError, Kind
from app.extract.pull import Pull, Pulled
from app.extract.server import Server
from app.extract.tables import FORMATS, load_views, write_table
from app.extract.view import View
from app.intake.token import Tokens, private_key
from app.settings import DEFAULT_URL
from app.terminal import plainly

export = typer.Typer(help="Pull all that a client may see, as NDJSON or as tables.", invoke_without_command=True)
TIMEOUT = httpx.Timeout(60, read=300)
SCOPE = "system/*.rs"
Client = Annotated[str | None, typer.Option("--client", help="The client's id.")]
Key = Annotated[Path | None, typer.Option(help="The file with the client's private key, a JWK.")]
Url = Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")]
Types = Annotated[str | None, typer.Option("--type", help="Only these types, with commas between.")]
Since = Annotated[str | None, typer.Option(help="Only what changed since: transactionTime of the last manifest.json.")]
Group = Annotated[str | None, typer.Option(help="Only the members of this Group, by its id.")]


@export.command()
def ndjson(
    directory: Annotated[Path, typer.Argument(help="Where the files go. Run it again there to go on.")],
    client: Client = None,
    key: Key = None,
    url: Url = DEFAULT_URL,
    types: Types = None,
    since: Since = None,
    group: Group = None,
) -> None:
    """Pull into a directory, one NDJSON file or more for each type. What was interrupted goes on where it stopped."""
    with plainly():
        pulled = _pull(directory, client, key, url, _request(types, since, group))
        for name, lines in sorted(pulled.files.items()):
            typer.echo(f"{name}  {lines}")
        typer.echo(f"Ask from {pulled.transaction_time} on the next time: --since {pulled.transaction_time}")


@export.callback()
def tables(
    context: typer.Context,
    form: Annotated[str | None, typer.Option("--format", help="parquet or csv.")] = None,
    view: Annotated[
        list[Path] | None, typer.Option(help="A file with SQL-on-FHIR view definitions, or a directory of them.")
    ] = None,
    to: Annotated[Path, typer.Option(help="The directory for the tables.")] = Path(),
    source: Annotated[
        Path | None, typer.Option("--from", help="A directory of NDJSON files; none: they are pulled first.")
    ] = None,
    client: Client = None,
    key: Key = None,
    url: Url = DEFAULT_URL,
    since: Since = None,
    group: Group = None,
) -> None:
    """Write a table for each view (--format, --view), or pull the files themselves (ndjson)."""
    if context.invoked_subcommand is not None:
        return
    with plainly():
        if form not in FORMATS or not view:
            raise HallpassError(Kind.INVALID, "Say --format parquet or csv, and --view; or export ndjson DIR.")
        views = load_views(view)
        to.mkdir(parents=True, exist_ok=True)
        held = source or to / ".ndjson"
        if source is None:
            kinds = ",".join(sorted({v.resource for v in views}))
            _pull(held, client, key, url, _request(kinds, since, group))
        _write(views, held, to, form)
        if source is None:
            shutil.rmtree(held)


def _write(views: list[View], held: Path, to: Path, form: str) -> None:
    with _progress() as progress:
        for one in views:
            bar = progress.add_task(one.name, total=None)

            def tell(number: int, bar: TaskID = bar) -> None:
                progress.advance(bar, number)

            rows = write_table(one, held, to, form, tell)
            typer.echo(f"{one.name}.{form}  {rows} rows")


def _request(types: str | None, since: str | None, group: str | None) -> dict[str, str]:
    """Path and parameters of the kick-off."""
    path = f"Group/{group}/$export" if group else "Patient/$export"
    chosen = {"_type": types, "_since": since}
    return {"path": path, **{name: value for name, value in chosen.items() if value}}


def _pull(directory: Path, client: str | None, key: Path | None, url: str, request: dict[str, str]) -> Pulled:
    if client is None or key is None:
        raise HallpassError(Kind.INVALID, "Say --client and --key: whose export it is.")
    return asyncio.run(_run(directory, client, key, url.rstrip("/"), request))


async def _run(directory: Path, client: str, key: Path, url: str, request: dict[str, str]) -> Pulled:
    with _progress() as progress:
        bar = progress.add_task("Asking", total=None)

        def tell(what: str, done: int, of: int | None) -> None:
            progress.update(bar, description=what, completed=done, total=of)

        async with httpx.AsyncClient(timeout=TIMEOUT) as http:
            tokens = Tokens(http, f"{url}/auth/token", client, private_key(key), scope=SCOPE)
            return await Pull(Server(http, url, tokens), directory, client, request, tell).run()


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))
