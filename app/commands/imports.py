"""`hallpass import`: brings the exchange up to a district's roster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.errors import HallpassError, Kind
from app.intake.command import Job, run
from app.intake.csv.guess import guess as guess_mapping
from app.intake.csv.reader import Csv
from app.intake.edfi.reader import EdFi
from app.intake.edfi.service import EdFiService
from app.intake.oneroster.reader import OneRoster
from app.intake.oneroster.sds import SchoolDataSync
from app.intake.oneroster.service import OneRosterService
from app.intake.pull.credentials import Credentials
from app.intake.pull.credentials import read as read_credentials
from app.intake.roster.marked import Marked, marked
from app.intake.roster.source import Source
from app.settings import DEFAULT_URL
from app.terminal import plainly

imports = typer.Typer(help="Bring the exchange up to a district's roster, over the API.", no_args_is_help=True)

Client = Annotated[str, typer.Option("--client", help="The district's client id.")]
Key = Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")]
Url = Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")]
AcceptShrink = Annotated[
    bool, typer.Option("--accept-shrink", help="Take a source that lost much, is empty, or is of another district.")
]
CredentialsFile = Annotated[
    Path | None,
    typer.Option("--credentials", help="With an address: TOML with \\[bearer], \\[oauth2] or \\[oauth1]."),
]
Full = Annotated[bool, typer.Option("--full", help="Read everything, not only what changed.")]
Staff = Annotated[
    list[str] | None,
    typer.Option(help="A role of staff that goes into the directory, as the source calls it: counselor. Repeat it."),
]
ReportFile = Annotated[Path | None, typer.Option("--report", help="A file for the report as JSON.")]


@imports.command()
def edfi(
    source: Annotated[str, typer.Argument(help="Ed-Fi: a folder of XML of versions 4 to 6, or an ODS/API's address.")],
    client_id: Client,
    key: Key,
    url: Url = DEFAULT_URL,
    agency: Annotated[str | None, typer.Option(help="The LocalEducationAgencyId, if the source has several.")] = None,
    credentials: CredentialsFile = None,
    staff: Staff = None,
    full: Full = False,
    dry_run: DryRun = False,
    accept_shrink: AcceptShrink = False,
    report: ReportFile = None,
) -> None:
    """Import Ed-Fi files or an ODS/API; again, only what changed. Exit status 1: some records were refused."""
    with plainly():
        found = _ed_fi(source, agency, credentials, full, marked(staff or ()))
    _run(found, client_id, key, url, dry_run, accept_shrink, report, full=full)


@imports.command()
def oneroster(
    source: Annotated[str, typer.Argument(help="OneRoster 1.1 or 1.2: a zip, its folder, or a service's address.")],
    client_id: Client,
    key: Key,
    url: Url = DEFAULT_URL,
    district: Annotated[
        str | None, typer.Option(help="The district's identifier, if the source has none or several.")
    ] = None,
    credentials: CredentialsFile = None,
    staff: Staff = None,
    full: Full = False,
    dry_run: DryRun = False,
    accept_shrink: AcceptShrink = False,
    report: ReportFile = None,
) -> None:
    """Import a OneRoster package or service. Guardians have no authority until `hallpass guardians mark` says so."""
    with plainly():
        found = _one_roster(source, district, credentials, full, marked(staff or ()))
    _run(found, client_id, key, url, dry_run, accept_shrink, report, full=full)


@imports.command()
def sds(
    source: Annotated[Path, typer.Argument(help="School Data Sync 2 or 2.1: a zip, or its folder.")],
    client_id: Client,
    key: Key,
    district: Annotated[str, typer.Option(help="The district's identifier: the files do not tell it.")],
    url: Url = DEFAULT_URL,
    staff: Staff = None,
    full: Full = False,
    dry_run: DryRun = False,
    accept_shrink: AcceptShrink = False,
    report: ReportFile = None,
) -> None:
    """Import School Data Sync files. Nobody can tell if they are whole: compare the counts first, with --dry-run."""
    with plainly():
        found = SchoolDataSync(source, district, marked(staff or ()))
    _run(found, client_id, key, url, dry_run, accept_shrink, report, full=full)


@imports.command()
def csv(
    file: Annotated[Path, typer.Argument(help="A CSV file: each row a student, its school and its contacts.")],
    mapping: Annotated[Path, typer.Option(help="The mapping file; `hallpass import guess` writes a first one.")],
    client_id: Client,
    key: Key,
    url: Url = DEFAULT_URL,
    full: Full = False,
    dry_run: DryRun = False,
    accept_shrink: AcceptShrink = False,
    report: ReportFile = None,
) -> None:
    """Import a CSV of any layout by a mapping file."""
    with plainly():
        source = Csv(file, mapping)
        source.open()
    _run(source, client_id, key, url, dry_run, accept_shrink, report, full=full)


@imports.command()
def guess(file: Annotated[Path, typer.Argument(help="A CSV file.")]) -> None:
    """Print a first mapping for a CSV, by the names of its columns. Check it: nothing about authority is guessed."""
    with plainly():
        typer.echo(guess_mapping(file))


def _one_roster(source: str, district: str | None, credentials: Path | None, full: bool, staff: Marked) -> Source:
    if "://" not in source:
        return OneRoster(Path(source), district, staff)
    return OneRosterService(source, _known_by(credentials), district, full, staff)


def _ed_fi(source: str, agency: str | None, credentials: Path | None, full: bool, staff: Marked) -> Source:
    if "://" not in source:
        return EdFi(Path(source), agency, staff)
    return EdFiService(source, _known_by(credentials), agency, full, staff)


def _known_by(credentials: Path | None) -> Credentials:
    if credentials is None:
        raise HallpassError(Kind.INVALID, "A service asks who we are: give a file with --credentials.")
    return read_credentials(credentials)


def _run(
    source: Source,
    client_id: str,
    key: Path,
    url: str,
    dry_run: bool,
    accept_shrink: bool,
    report: Path | None,
    *,
    full: bool,
) -> None:
    job = Job(source, url, client_id, key, dry_run=dry_run, accept_shrink=accept_shrink, full=full)
    raise typer.Exit(run(job, report_file=report))
