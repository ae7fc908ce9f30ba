"""Runs one source: pulls from its provider, or reads what has come into its inbox.
docs/guides/roster.md
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.db.sync_sources import SyncSource
from app.errors import HallpassError, Kind
from app.intake.command import ALL_WELL, COULD_NOT_RUN, SOME_REFUSED, Job, attempt
from app.intake.csv.reader import Csv
from app.intake.edfi.service import EdFiService
from app.intake.oneroster.reader import OneRoster
from app.intake.oneroster.service import OneRosterService
from app.intake.pull.credentials import Credentials, OAuth2
from app.intake.report import Report
from app.intake.roster.source import Source
from app.intake.sync.guard import guarded, require_allowed
from app.intake.sync.inbox import DONE, MOST_TRIES, REFUSED, Inbox
from app.intake.sync.secrets import Secrets
from app.settings import Settings

HOW = "Remove the inbox, add it again with --mapping, and put the file back."
AGAIN = frozenset({Kind.UNAVAILABLE, Kind.LOGIN, Kind.TOO_MANY, Kind.CONFLICT, Kind.INTERNAL})
"""Errors that are not of the file: it stays taken, and is read again, MOST_TRIES times."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a source, over an HTTP client that reaches the exchange."""

    kept: SyncSource
    secrets: Secrets
    settings: Settings
    http: httpx.AsyncClient
    console: Console
    accept_shrink: bool = False

    async def now(self) -> tuple[int, Mapping[str, Any]]:
        """Run it; answers the exit status and the report. Raises HallpassError where the source is unfit."""
        if self.kept.kind == "inbox":
            return await self._inbox(Inbox(Path(self.kept.place)))
        status, _, report = await self._import(service(self.kept, self.secrets.credentials, self.settings))
        return status, report

    async def _inbox(self, inbox: Inbox) -> tuple[int, Mapping[str, Any]]:
        inbox.require()
        worst, read = ALL_WELL, dict[str, Any]()
        for path in inbox.take():
            if (due := inbox.due(path)) > time.time():  # the others wait, so that they are read as they came
                when = datetime.fromtimestamp(due, UTC)
                text = f"{path.name} could not be imported {inbox.tries(path)} times; next try at {when:%H:%M} UTC."
                return max(worst, SOME_REFUSED), {"files": read, "error": text}
            inbox.count_try(path)
            status, error, report = await self._read(path)
            worst, read[path.name] = max(worst, status), report
            if error in AGAIN and inbox.tries(path) < MOST_TRIES:
                return worst, {"files": read, "error": f"{path.name}: {report['error']} It is tried again."}
            inbox.put_away(path, REFUSED if status == COULD_NOT_RUN else DONE, report)
        return worst, {"files": read}

    async def _read(self, path: Path) -> tuple[int, Kind | None, dict[str, Any]]:
        try:
            source = self._file(path)
        except HallpassError as e:
            return COULD_NOT_RUN, e.kind, {"status": COULD_NOT_RUN, "error": " ".join(i.text for i in e.issues)}
        return await self._import(source)

    def _file(self, path: Path) -> Source:
        if path.suffix.lower() == ".zip":
            return OneRoster(path, self.kept.district, tuple(self.kept.staff))
        if self.kept.mapping is None:
            raise HallpassError(Kind.INVALID, f"{path.name} is a CSV, and this inbox has no mapping. {HOW}")
        return Csv(path, Path(self.kept.mapping))

    async def _import(self, source: Source) -> tuple[int, Kind | None, dict[str, Any]]:
        job = Job(
            source, self.settings.base_url, self.kept.client, key=self.secrets.key, accept_shrink=self.accept_shrink
        )
        report = Report(self.console)
        status, kind, reason = await attempt(job, report, self.http)
        return status, kind, {"status": status, "error": reason, **report.json()}


def service(kept: SyncSource, credentials: Credentials | None, settings: Settings) -> Source:
    """The provider of a source. Raises HallpassError where its host, or that of its tokens, is not allowed."""
    require_allowed(kept.place, settings)
    if credentials is None:
        raise HallpassError(Kind.INVALID, f"The source {kept.name} has no credentials. Add it again with them.")
    if isinstance(credentials, OAuth2) and credentials.token_url:
        require_allowed(credentials.token_url, settings)
    client = guarded(settings)
    if kept.kind == "edfi":
        return EdFiService(kept.place, credentials, kept.district, staff=tuple(kept.staff), client=client)
    return OneRosterService(kept.place, credentials, kept.district, staff=tuple(kept.staff), client=client)
