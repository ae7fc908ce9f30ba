"""`hallpass sync` and `hallpass inbox`: rosters that the worker fetches on a schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from croniter import croniter
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner, plainly
from app.db import sync_sources
from app.db.sync_sources import SyncSource
from app.errors import HallpassError, Kind
from app.intake.command import COULD_NOT_RUN, TIMEOUT_SECONDS
from app.intake.csv.mapping import load as load_mapping
from app.intake.pull.credentials import read as read_credentials
from app.intake.pull.provider import require_address
from app.intake.roster.marked import marked
from app.intake.sync.inbox import Inbox
from app.intake.sync.run import Run, service
from app.intake.sync.secrets import Secrets, opened, sealed
from app.intake.token import private_key
from app.keyring import Keyring
from app.server import database_url
from app.settings import Settings, load
from app.write_back.run import KIND, WriteBack, allowed, told

sync = typer.Typer(
    help="Rosters that the worker fetches on a schedule, and services delivered that it writes back.",
    no_args_is_help=True,
)
NIGHTLY = "15 2 * * *"
EACH_MINUTE = "* * * * *"
EACH_QUARTER = "*/15 * * * *"
Client = Annotated[str, typer.Option("--client", help="The district's client id.")]
Key = Annotated[Path, typer.Option(help="The file with the client's private key, a JWK. It is kept sealed.")]
Staff = Annotated[
    list[str] | None,
    typer.Option(help="A role of staff that goes into the directory, as the source calls it: counselor. Repeat it."),
]
Name = Annotated[str, typer.Argument(help="What you call the source.")]


@sync.command()
def add(
    name: Name,
    kind: Annotated[str, typer.Argument(help="oneroster or edfi.")],
    address: Annotated[str, typer.Argument(help="The service's address.")],
    client_id: Client,
    key: Key,
    credentials: Annotated[
        Path, typer.Option(help="A TOML file with \\[bearer], \\[oauth2] or \\[oauth1]. It is kept sealed.")
    ],
    district: Annotated[str | None, typer.Option(help="The district's identifier, where there are several.")] = None,
    staff: Staff = None,
    at: Annotated[str, typer.Option(help="When: five fields of cron, in UTC.")] = NIGHTLY,
) -> None:
    """Fetch a roster on a schedule. Its host must be in HALLPASS_SYNC_HOSTS."""
    with plainly():
        if kind not in ("oneroster", "edfi"):
            raise HallpassError(Kind.INVALID, "The kind of a source is oneroster or edfi.")
        secrets = Secrets(private_key(key), read_credentials(credentials))
        kept = replace(_new(name, client_id, kind, require_address(address), at, secrets), district=district)
        kept = replace(kept, staff=marked(staff or ()))
        service(kept, secrets.credentials, load()).open()
        _keep(kept)
        typer.echo(f"{name} is fetched at {at} UTC, next on {kept.next_run:%Y-%m-%d %H:%M}")


@sync.command("write-back")
def write_back(
    name: Name,
    address: Annotated[str, typer.Argument(help="The root of the district's Ed-Fi ODS/API.")],
    client_id: Client,
    key: Key,
    credentials: Annotated[Path, typer.Option(help="A TOML file with \\[oauth2] or \\[bearer]. It is kept sealed.")],
    district: Annotated[str, typer.Option(help="The district's LocalEducationAgencyId in the ODS.")],
    at: Annotated[str, typer.Option(help="When: five fields of cron, in UTC.")] = EACH_QUARTER,
) -> None:
    """Write services delivered to a district's ODS on a schedule. Its host must be in HALLPASS_SYNC_HOSTS."""
    with plainly():
        secrets = Secrets(private_key(key), read_credentials(credentials))
        kept = replace(_new(name, client_id, KIND, require_address(address), at, secrets), district=district)
        allowed(kept, secrets.credentials, load())
        _keep(kept)
        typer.echo(f"{name} is written to at {at} UTC, next on {kept.next_run:%Y-%m-%d %H:%M}")


@sync.command("list")
def list_() -> None:
    """List the sources, and what became of the last run of each."""
    with plainly():
        for kept in as_owner(lambda connection, _: sync_sources.every(connection)):
            typer.echo(f"{kept.name}  {kept.kind}  {kept.place}  {kept.client}  {kept.schedule}  {_last(kept)}")


@sync.command()
def remove(name: Name) -> None:
    """Forget a source and its secrets. What it imported stays."""
    with plainly():
        if not as_owner(lambda connection, _: sync_sources.remove(connection, name)):
            raise _unknown(name)
        typer.echo(f"{name} is forgotten")


@sync.command()
def run(
    name: Name,
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Take a source that lost much, is empty, or is of another district.")
    ] = False,
) -> None:
    """Run a source now, as the worker does. Exit status 1: some records were refused; 2: it could not run."""

    async def begin(connection: AsyncConnection, settings: Settings) -> SyncSource:
        kept = await sync_sources.one(connection, name)
        if kept is None:
            raise _unknown(name)
        await sync_sources.begin(connection, name)
        return kept

    with plainly():
        kept = as_owner(begin)
        status, report = asyncio.run(_run(kept, load(), accept_shrink))
        as_owner(lambda connection, _: sync_sources.end(connection, name, status, report))
    raise typer.Exit(status)


def inbox(
    directory: Annotated[Path, typer.Argument(help="The directory that SFTP fills.")],
    client_id: Client,
    key: Key,
    name: Annotated[str | None, typer.Option(help="What you call it; by default the directory's name.")] = None,
    district: Annotated[str | None, typer.Option(help="The district's identifier, where there are several.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="The mapping of the CSV files that come.")] = None,
    staff: Staff = None,
) -> None:
    """Let the worker watch a directory. A file that has come whole is read, then moved to done or refused."""
    with plainly():
        Inbox(directory).require()
        if mapping is not None:
            load_mapping(mapping)
        held = str(mapping.resolve()) if mapping else None
        place = str(directory.resolve())
        called = name or directory.resolve().name
        new = _new(called, client_id, "inbox", place, EACH_MINUTE, Secrets(private_key(key)))
        kept = replace(new, district=district, mapping=held, staff=marked(staff or ()))
        _keep(kept)
        typer.echo(f"{kept.name}: the worker looks into {place} each minute")


def _new(name: str, client_id: str, kind: str, place: str, at: str, secrets: Secrets) -> SyncSource:
    if len(at.split()) != 5 or not croniter.is_valid(at):
        raise HallpassError(Kind.INVALID, "--at is five fields of cron, in UTC, such as 15 2 * * *.")
    held = sealed(Keyring.of(load()), name, secrets)
    due = croniter(at, datetime.now(UTC)).get_next(datetime)
    return SyncSource(name=name, client=client_id, kind=kind, place=place, schedule=at, next_run=due, sealed=held)


def _keep(kept: SyncSource) -> None:
    if not as_owner(lambda connection, _: sync_sources.add(connection, kept)):
        raise HallpassError(Kind.CONFLICT, f"There is a source {kept.name} already. Remove it first.")


async def _run(kept: SyncSource, settings: Settings, accept_shrink: bool) -> tuple[int, Mapping[str, Any]]:
    """Run a source; what keeps it from running is said, and part of its report."""
    console = Console(stderr=True)
    try:
        secrets = opened(Keyring.of(settings), kept.name, kept.sealed)
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            if kept.kind == KIND:
                return await WriteBack(kept, secrets, settings, database_url(settings), http).now()
            return await Run(kept, secrets, settings, http, console, accept_shrink).now()
    except HallpassError as e:
        reason = " ".join(i.text for i in e.issues)
        console.print(reason, markup=False, highlight=False, soft_wrap=True)
        return COULD_NOT_RUN, {"error": reason}


def _last(kept: SyncSource) -> str:
    if kept.began is None:
        return "never run"
    if kept.ended is None or kept.ended < kept.began:
        return f"running since {kept.began:%Y-%m-%d %H:%M}"
    said = {0: "all well", 1: "some records were refused", 2: "could not run"}.get(kept.status or 0, "")
    reason = (kept.report or {}).get("error") or told(kept.report or {})
    return f"{kept.ended:%Y-%m-%d %H:%M} {said}{f': {reason}' if reason else ''}"


def _unknown(name: str) -> HallpassError:
    return HallpassError(Kind.NOT_FOUND, f"There is no source {name}. `hallpass sync list` names them.")
