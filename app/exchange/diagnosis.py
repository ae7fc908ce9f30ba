"""What an operator should mend, and how: of the database, its clock, the worker, keys and settings.

`hallpass doctor` prints it, and the operator's pages show it. It is read as the owner of the tables.
"""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.keys import require_ours
from app.db.address import owner_url
from app.db.doctor import Finding, examine, pooler
from app.keyring import Keyring, WrongKey, default_file
from app.queue.state import failed, workers
from app.settings import LOOPBACK, Settings

SKEW = timedelta(seconds=5)


async def diagnose(connection: AsyncConnection, settings: Settings) -> list[Finding]:
    """Everything that was found."""
    return [
        *await examine(connection),
        *await _clock(connection),
        *await _worker(connection),
        *await _keys(connection, settings),
        *(await pooler(connection, owner_url(settings.database_url)) if settings.database_url else []),
        *_settings(settings),
    ]


async def _clock(connection: AsyncConnection) -> list[Finding]:
    there = await connection.scalar(text("SELECT clock_timestamp()"))
    apart = abs(datetime.now(UTC) - there) if there else timedelta()
    if apart <= SKEW:
        return []
    return [Finding(f"the database's clock is {apart.total_seconds():.0f} s away from this one", "Set both by NTP.")]


async def _worker(connection: AsyncConnection) -> list[Finding]:
    found = []
    if not await workers(connection):
        todo = "Run `hallpass worker`, or `hallpass serve` without HALLPASS_WORKER=false: until then nothing is tidied."
        found.append(Finding("no worker lives", todo, False))
    if jobs := await failed(connection):
        found.append(Finding(f"{len(jobs)} background jobs failed", "Run `hallpass jobs` to see which.", False))
    return found


async def _keys(connection: AsyncConnection, settings: Settings) -> list[Finding]:
    try:
        await require_ours(connection, Keyring.of(settings))
    except WrongKey:
        todo = "Give the key that sealed them, or run `hallpass keys rotate --discard`."
        return [Finding("HALLPASS_KEY does not open the signing keys", todo)]
    made_here = settings.key is None and settings.key_file is None
    file = default_file(settings) if made_here else settings.key_file
    if file and file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        return [Finding(f"{file} can be read by others", f"Run chmod 600 {file}.", made_here)]
    if made_here and settings.database_url:
        todo = "Put it in HALLPASS_KEY or HALLPASS_KEY_FILE, the same on every machine, and keep a copy apart."
        return [Finding(f"the key that seals is this machine's own ({file})", todo, False)]
    return []


def _settings(settings: Settings) -> list[Finding]:
    found = []
    if settings.allow_http_jwks:
        found.append(Finding("HALLPASS_ALLOW_HTTP_JWKS is for tests", "Unset it."))
    if not settings.require_agreement:
        todo = "Unset it, unless every member has an agreement with every other elsewhere."
        found.append(Finding("HALLPASS_REQUIRE_AGREEMENT is off: releases need no agreement", todo, False))
    if settings.host not in LOOPBACK and settings.base_url.startswith("http://"):
        todo = "Put TLS in front, and set HALLPASS_BASE_URL to the https address."
        found.append(Finding(f"the server listens on {settings.host} and tells its clients to use http", todo))
    return found
