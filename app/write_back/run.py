"""Writes one district's services back: follow what its client sees, keep what differs, write it in order.
docs/guides/write-back.md

What is to be written is kept before it is sent, as the state that each student's part in a service should have. So a
run that was killed is gone on with by the next, nothing is written twice, and what the ODS refuses holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from sqlalchemy import URL

from app.db import written
from app.db.engine import owner_transaction
from app.db.sync_sources import SyncSource
from app.db.written import Pending
from app.errors import HallpassError, Kind
from app.extract.server import Server
from app.intake.pull.credentials import Credentials, OAuth2
from app.intake.sync.guard import guarded, require_allowed
from app.intake.sync.secrets import Secrets
from app.intake.token import Tokens
from app.settings import Settings
from app.write_back.follow import SCOPE, Feed
from app.write_back.ods import Ods, open_ods

KIND = "write-back"
ALL_WELL, SOME_REFUSED = 0, 1
STOPS = frozenset({Kind.UNAVAILABLE, Kind.LOGIN, Kind.FORBIDDEN})
"""Errors that are not of one record: the rest waits for the next run."""


@dataclass(slots=True)
class _Count:
    """What became of the parts that were pending."""

    written: int = 0
    removed: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Why, by intervention; a report names no student."""


@dataclass(frozen=True, slots=True)
class WriteBack:
    """A run for one source. `owner` is where the tables are, `http` reaches the exchange."""

    kept: SyncSource
    secrets: Secrets
    settings: Settings
    owner: URL
    http: httpx.AsyncClient
    backoff: float = 0.5

    async def now(self) -> tuple[int, Mapping[str, Any]]:
        """Run it; answers the exit status and a report. Raises HallpassError where it cannot run to its end."""
        credentials = allowed(self.kept, self.secrets.credentials, self.settings)
        async with self._lease():
            left = await self._follow()
            count = await self._write(credentials)
        report = {"written": count.written, "removed": count.removed, "left": left}
        if count.refused:
            report["error"] = "; ".join(f"{code}: {why}" for code, why in sorted(count.refused.items()))
        return (SOME_REFUSED if count.refused else ALL_WELL), report

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[None]:
        async with owner_transaction(self.owner) as connection:
            if not await written.lease(connection, self.kept.name):
                raise HallpassError(Kind.CONFLICT, f"Another run of {self.kept.name} goes on. Run it again later.")
        try:
            yield
        finally:
            async with owner_transaction(self.owner) as connection:
                await written.free(connection, self.kept.name)

    async def _follow(self) -> Mapping[str, int]:
        """Take in what changed; answers how many Encounters are not written, by the reason."""
        base = self.settings.base_url
        tokens = Tokens(self.http, f"{base}/auth/token", self.kept.client, self.secrets.key, scope=SCOPE)
        own = (await tokens.get()).organization or ""
        feed = Feed(Server(self.http, base, tokens), own, system_of(self.kept))
        change = await feed.since(self.kept.mark)
        async with owner_transaction(self.owner) as connection:
            await written.take(connection, self.kept.name, change.stand, change.gone, change.mark)
        return change.left

    async def _write(self, credentials: Credentials) -> _Count:
        async with owner_transaction(self.owner) as connection:
            todo = await written.pending(connection, self.kept.name)
        count = _Count()
        if not todo:
            return count
        agency = int(self.kept.district or 0)
        with guarded(self.settings)() as http:
            ods = await asyncio.to_thread(open_ods, http, self.kept.place, credentials, agency, self.backoff)
            for one in todo:
                await self._one(ods, one, count)
        return count

    async def _one(self, ods: Ods, one: Pending, count: _Count) -> None:
        name = self.kept.name
        async with owner_transaction(self.owner) as connection:
            await written.lease(connection, name, renew=True)
        try:
            if one.begins is not None and one.sessions:
                write = partial(ods.write, one.student, one.intervention, one.begins, one.minutes)
                keep = partial(written.sent, source=name, one=one, place=await asyncio.to_thread(write))
                count.written += 1
            else:
                if one.place is not None:
                    await asyncio.to_thread(ods.remove, one.place)
                    count.removed += 1
                keep = partial(written.forget, source=name, one=one)
        except HallpassError as e:
            if e.kind in STOPS:
                raise
            count.refused[one.intervention] = e.issues[0].text
            keep = partial(written.failed, source=name, one=one, error=e.issues[0].text)
        async with owner_transaction(self.owner) as connection:
            await keep(connection)


def allowed(kept: SyncSource, credentials: Credentials | None, settings: Settings) -> Credentials:
    """The credentials of a source that may be asked. Raises HallpassError where it may not, or is unfit."""
    require_allowed(kept.place, settings)
    if credentials is None:
        raise HallpassError(Kind.INVALID, f"The source {kept.name} has no credentials. Add it again with them.")
    if isinstance(credentials, OAuth2) and credentials.token_url:
        require_allowed(credentials.token_url, settings)
    if not (kept.district or "").isdecimal():
        raise HallpassError(Kind.INVALID, "--district is the LocalEducationAgencyId in the ODS, a number.")
    return credentials


def told(report: Mapping[str, Any]) -> str:
    """A report of a run in words; nothing for one that is none of a write-back."""
    if "left" not in report:
        return ""
    left = [f"{number} not written, since {why}" for why, number in sorted(report["left"].items())]
    return ", ".join([f"{report['written']} written", f"{report['removed']} taken back", *left])


def system_of(kept: SyncSource) -> str:
    """The identifier system of the district's students, as an import from Ed-Fi gives it."""
    return f"urn:edfi:{kept.district}:student"
