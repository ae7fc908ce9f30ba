"""`hallpass import edfi FOLDER`: reads a district's Ed-Fi 5.2 interchange files and pushes them to the exchange.
https://docs.ed-fi.org/reference/data-exchange/data-standard

Nothing is sent before the whole folder has been read, so a truncated file sends nothing.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.errors import HallpassError, Kind
from app.intake import plan
from app.intake.answers import Entry, Outcome
from app.intake.edfi import Interchange, interchanges, records
from app.intake.mapping import District
from app.intake.push import IN_FLIGHT, Exchange, push
from app.intake.report import Report
from app.intake.staging import Staging
from app.intake.token import Tokens, private_key
from app.settings import LOOPBACK

ALL_WELL, SOME_REFUSED, COULD_NOT_RUN = 0, 1, 2
TIMEOUT_SECONDS = 60.0

_Entries = Callable[[Staging, District, plan.Refuse], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class _Job:
    folder: Path
    base_url: str
    client_id: str
    key_file: Path
    organization: str | None
    agency: str | None
    in_flight: int


def run(
    folder: Path,
    base_url: str,
    client_id: str,
    key_file: Path,
    *,
    organization: str | None = None,
    agency: str | None = None,
    in_flight: int = IN_FLIGHT,
    console: Console | None = None,
) -> int:
    """Import a folder and return the exit status: 0 all well, 1 some records refused, 2 it could not run.

    `organization` is the id of the district's Organization, by default as the token response says; `agency` is its
    LocalEducationAgencyId, by default the only one in the folder. Running it again changes nothing that is the same.
    """
    report = Report(console or Console(stderr=True))
    job = _Job(folder, base_url.rstrip("/"), client_id, key_file, organization, agency, in_flight)
    try:
        asyncio.run(_import(job, report))
    except HallpassError as e:
        report.line(" ".join(i.text for i in e.issues))
        return COULD_NOT_RUN
    except sqlite3.Error as e:
        report.line(f"The temporary file of the import failed: {e}.")
        return COULD_NOT_RUN
    report.table()
    return SOME_REFUSED if report.refused else ALL_WELL


async def _import(job: _Job, report: Report) -> None:
    _check_url(job.base_url)
    key = private_key(job.key_file)
    files, passed_over = interchanges(job.folder)
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        exchange = Exchange(http, job.base_url, Tokens(http, f"{job.base_url}/auth/token", job.client_id, key))
        told = await exchange.organization()
        organization = _organization(job.organization or told)
        with Staging() as staging, _progress(report.console) as progress:
            _read(files, staging, report, progress)
            district = District(_agency(staging, job.agency), organization)
            sending = _Sending(exchange, staging, district, report, progress, job.in_flight)
            await sending.send("schools", "School", plan.schools)
            await sending.send("students", "Student", plan.students)
            await sending.send("contacts", "StudentContactAssociation", plan.contacts)
            _remark(report, staging, passed_over)


@dataclass(frozen=True, slots=True)
class _Sending:
    exchange: Exchange
    staging: Staging
    district: District
    report: Report
    progress: Progress
    in_flight: int

    async def send(self, what: str, record: str, entries: _Entries) -> None:
        """Sends the entries of one kind, and keeps the ids of Patients for the contacts that come after them."""
        bar = self.progress.add_task(f"Sending {what}", total=self.staging.count(record))

        def take(outcome: Outcome) -> None:
            self.report.take(outcome)
            if outcome.name == "Student" and outcome.id:
                self.staging.remember(outcome.key, outcome.id)
            self.progress.advance(bar)

        planned = entries(self.staging, self.district, take)
        async with aclosing(push(self.exchange, planned, self.in_flight)) as outcomes:
            async for outcome in outcomes:
                take(outcome)


def _read(files: Sequence[Interchange], staging: Staging, report: Report, progress: Progress) -> None:
    """Stages every record of the files; the bar follows the bytes read."""
    bar = progress.add_task("Reading", total=sum(f.path.stat().st_size for f in files))
    for file in files:
        for name, record in records(file.path, lambda n: progress.advance(bar, n)):
            try:
                staging.add(file.path.name, name, record)
            except HallpassError as e:
                report.take(plan.refused(name, f"in {file.path.name}", e))
    staging.resolve()


def _agency(staging: Staging, wanted: str | None) -> str:
    """The LocalEducationAgencyId that the import is for."""
    agencies = staging.agencies()
    if wanted is None and len(agencies) != 1:
        found = ", ".join(agencies) or "none"
        raise HallpassError(Kind.INVALID, f"Say which local education agency this is; the folder has {found}.")
    agency = wanted or agencies[0]
    if (agencies and agency not in agencies) or not re.fullmatch(r"[A-Za-z0-9._-]+", agency):
        raise HallpassError(Kind.INVALID, f"The folder is not of the local education agency {agency}.")
    return agency


def _organization(told: str | None) -> str:
    if not told or not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", told):
        raise HallpassError(Kind.INVALID, "The exchange does not tell the district's organization: give its id.")
    return told


def _remark(report: Report, staging: Staging, passed_over: Sequence[str]) -> None:
    if lonely := staging.contacts_of_no_student():
        report.line(f"not sent: {lonely} Contact that no student has.")
    if passed_over:
        report.line(f"not read: {', '.join(passed_over)}.")


def _check_url(base_url: str) -> None:
    """Raises HallpassError where students' data would travel unencrypted."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise HallpassError(Kind.INVALID, f"{base_url} is not the address of an exchange.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise HallpassError(Kind.INVALID, f"{base_url} is not https.")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)
