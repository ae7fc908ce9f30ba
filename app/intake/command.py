"""`hallpass import`: reads a district's roster and brings the exchange up to it.
docs/guides/roster.md and docs/whose-word-counts.md

Nothing is sent before the whole source has been read and checked, so a truncated file sends nothing.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from app.auth.jose import Jwk
from app.errors import HallpassError, Kind
from app.intake.answers import Outcome
from app.intake.push import IN_FLIGHT, Exchange
from app.intake.report import Report
from app.intake.roster.again import is_same, note, tell
from app.intake.roster.build import TYPES, Builder
from app.intake.roster.checks import require_whole
from app.intake.roster.facts import RosterFacts
from app.intake.roster.head import Head, head, lease, save, statements
from app.intake.roster.plan import load, plan
from app.intake.roster.source import About, Source
from app.intake.roster.statements import Page
from app.intake.roster.told import with_conflicts
from app.intake.roster.write import Writing
from app.intake.token import Tokens, private_key
from app.settings import LOOPBACK

ALL_WELL, SOME_REFUSED, COULD_NOT_RUN = 0, 1, 2
TIMEOUT_SECONDS = 60.0
RECORDS_OF_A_BUCKET = 100
MAX_BUCKETS = 4096


@dataclass(frozen=True, slots=True)
class Job:
    """One import as it was asked for. `organization` is by default what the token response says."""

    source: Source
    base_url: str
    client_id: str
    key_file: Path | None = None
    key: Jwk | None = field(default=None, repr=False)
    """The client's private key itself, where it is in no file."""
    organization: str | None = None
    in_flight: int = IN_FLIGHT
    dry_run: bool = False
    accept_shrink: bool = False
    full: bool = False
    """Read files even where they are those of the last import."""


def run(job: Job, *, console: Console | None = None, report_file: Path | None = None) -> int:
    """Import a source and return the exit status: 0 all well, 1 some records refused, 2 it could not run.

    Running it again changes nothing that is the same. `report_file` takes the report as JSON.
    """
    report = Report(console or Console(stderr=True))
    status, reason = asyncio.run(_alone(job, report))
    if report_file is not None:
        held = {"status": status, "error": reason, "dryRun": job.dry_run, **report.json()}
        report_file.write_bytes(orjson.dumps(held, option=orjson.OPT_INDENT_2))
    return status


async def _alone(job: Job, report: Report) -> tuple[int, str | None]:
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        status, _, reason = await attempt(job, report, http)
    return status, reason


async def attempt(job: Job, report: Report, http: httpx.AsyncClient) -> tuple[int, Kind | None, str | None]:
    """Do the import and say what became of it; answers the exit status, and why it could not run where it could not."""
    try:
        await perform(job, report, http)
    except HallpassError as e:
        reason = " ".join(i.text for i in e.issues)
        report.line(reason)
        return COULD_NOT_RUN, e.kind, reason
    except sqlite3.Error as e:
        report.line(f"The temporary file of the import failed: {e}.")
        return COULD_NOT_RUN, Kind.INTERNAL, "temporary file"
    report.table()
    return (SOME_REFUSED if report.refused else ALL_WELL), None, None


async def perform(job: Job, report: Report, http: httpx.AsyncClient) -> None:
    """Do the import over an HTTP client. Raises HallpassError where it cannot run; what was written by then stays."""
    base_url = job.base_url.rstrip("/")
    _check_url(base_url)
    key = job.key or private_key(job.key_file or Path())
    exchange = Exchange(http, base_url, Tokens(http, f"{base_url}/auth/token", job.client_id, key))
    organization = _organization(job.organization or await exchange.organization())
    today = datetime.now(UTC).date()
    last = await head(exchange, job.source.name, dry_run=True) if job.source.continues else None
    opened = job.source.open(last.held.get("mark") if last else None)
    fingerprint = None if job.dry_run or job.accept_shrink else opened.fingerprint()
    if fingerprint is not None and not job.full:
        last = await head(exchange, job.source.name, dry_run=True)
        if last is not None and is_same(last.held.get("same"), fingerprint, today):
            return tell(last.held["same"], report)
    with RosterFacts(report.find) as facts, _progress(report.console) as progress:
        bar = progress.add_task("Reading", total=opened.size)
        about = opened.read(facts, today, lambda n: progress.advance(bar, n))
        async with _held(job, exchange, about) as found:
            builder = Builder(facts, organization, today, partial=not about.complete, dry_run=job.dry_run)
            await _bring_up(job, exchange, _Read(facts, builder, about), found, report, progress)
            if found is not None:  # written as the place of the import is given up
                found.held |= {"mark": about.mark, "same": note(fingerprint, facts, report, today)}
                with_conflicts(found.held, report, datetime.now(UTC))
        for remark in about.remarks:
            report.line(remark)
    return None


@dataclass(frozen=True, slots=True)
class _Read:
    facts: RosterFacts
    builder: Builder
    about: About


@asynccontextmanager
async def _held(job: Job, exchange: Exchange, about: About) -> AsyncIterator[Head | None]:
    """The source's head, held by this import alone; nothing is held for a dry run."""
    found = await head(exchange, job.source.name, dry_run=job.dry_run)
    if found is not None and found.held.get("district", about.district) != about.district and not job.accept_shrink:
        text = (
            f"The last import of this source was of the district {found.held['district']}, this one is of"
            f" {about.district}. If that is meant, run it with --accept-shrink."
        )
        raise HallpassError(Kind.UNPROCESSABLE, text)
    if found is None or job.dry_run:
        yield found
        return
    async with lease(exchange, found):
        yield found


async def _bring_up(
    job: Job, exchange: Exchange, source: _Read, found: Head | None, report: Report, progress: Progress
) -> None:
    """Everything after reading: check against the last import, then write kind by kind."""
    facts, about = source.facts, source.about
    pages: dict[str, Page] = {}
    if found is not None:
        async for page in statements(exchange, job.source.name):
            load(facts, page)
            page.fold()
            pages[page.name] = page
    if not job.accept_shrink:
        require_whole(facts, about.complete)
    buckets = (found.held.get("buckets") if found else None) or _buckets(facts)
    if found is not None and not job.dry_run:
        found.held |= {"buckets": buckets, "district": about.district, "form": about.form, "same": None}
        await save(exchange, found)
    for kind in TYPES:
        todo = plan(facts, source.builder, kind, buckets, complete=about.complete, take=report.take)
        take = partial(_take, report, progress, progress.add_task(f"Sending {kind}", total=todo))
        writing = Writing(exchange, facts, source.builder, pages, take, report.changed, job.source.name, job.dry_run)
        await writing.write(kind, job.in_flight)


def _take(report: Report, progress: Progress, bar: TaskID, outcome: Outcome) -> None:
    report.take(outcome)
    progress.advance(bar)


def _buckets(facts: RosterFacts) -> int:
    """Into how many pages the statements of a kind go: a power of two, decided at the first import."""
    most = max(facts.count(kind) for kind in TYPES)
    wanted = 1
    while wanted * RECORDS_OF_A_BUCKET < most and wanted < MAX_BUCKETS:
        wanted *= 2
    return wanted


def _organization(told: str | None) -> str:
    if not told or not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", told):
        raise HallpassError(Kind.INVALID, "The exchange does not tell the district's organization: give its id.")
    return told


def _check_url(base_url: str) -> None:
    """Raises HallpassError where students' data would travel unencrypted."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise HallpassError(Kind.INVALID, f"{base_url} is not the address of an exchange.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise HallpassError(Kind.INVALID, f"{base_url} is not https.")


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """The rate, where there is one."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console)
