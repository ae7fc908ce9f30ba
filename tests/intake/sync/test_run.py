"""Sources that the worker runs: kept sealed, due on schedule, and imported over the API. docs/guides/roster.md"""

from __future__ import annotations

import asyncio
import io
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.auth.jose import generate
from app.db import sync_sources
from app.db.engine import Database, owner_transaction
from app.db.sync_sources import SyncSource
from app.errors import HallpassError
from app.exchange.service import AccessService
from app.intake.pull.credentials import Bearer, OAuth2
from app.intake.sync import inbox as inboxes
from app.intake.sync.run import Run, service
from app.intake.sync.secrets import Secrets, opened, sealed
from app.jobs.job import Tools, Work
from app.jobs.kinds import pull_rosters
from app.keyring import Keyring
from app.limits.limits import Limits
from app.settings import Settings
from tests.databases import execute
from tests.databases import rows as owned
from tests.intake.importing import Importing, importing_into
from tests.intake.oneroster.service import serving
from tests.intake.oneroster.support import enrollment, family, needs_shared, package
from tests.jobs.running import rows
from tests.world import BASE

KEYS = Keyring([b"k" * 32])


def kept(**more: Any) -> SyncSource:
    """A source as it is kept."""
    at = datetime.now(UTC)
    given = {"name": "sis", "client": "c", "kind": "oneroster", "place": "https://sis.example/v1p1", "sealed": "s"}
    return SyncSource(**{**given, "schedule": "15 2 * * *", "next_run": at, **more})  # type: ignore[arg-type]


def run_of(importing: Importing, source: SyncSource, secrets: Secrets, **settings: Any) -> Run:
    """A run into the test's exchange."""
    chosen = Settings(base_url=BASE, **settings)
    source = replace(source, client=importing.district.client_id)
    return Run(source, secrets, chosen, importing.world.http, Console(file=io.StringIO()))


def test_secrets_are_sealed_under_the_sources_name() -> None:
    secrets = Secrets(generate(), OAuth2("id", "hush-hush", "https://sis.example/token"))
    text = sealed(KEYS, "sis", secrets)
    assert "hush" not in text + repr(secrets)
    assert opened(KEYS, "sis", text) == secrets
    for keys, name in ((KEYS, "other"), (Keyring([b"x" * 32]), "sis")):
        with pytest.raises(HallpassError, match="cannot be opened with HALLPASS_KEY"):
            opened(keys, name, text)


async def test_the_app_may_not_read_the_sources(db: Database) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await rows(db, "SELECT * FROM hallpass.sync_source")


async def test_a_source_is_kept_listed_and_forgotten(db: Database) -> None:
    async with owner_transaction(db.owner) as connection:
        assert await sync_sources.add(connection, kept())
        assert not await sync_sources.add(connection, kept())
        await sync_sources.begin(connection, "sis")
        await sync_sources.end(connection, "sis", 1, {"error": None})
        (found,) = await sync_sources.every(connection)
        assert (found.status, found.report) == (1, {"error": None})
        assert found == await sync_sources.one(connection, "sis")
        assert await sync_sources.remove(connection, "sis")
        assert not await sync_sources.remove(connection, "sis")


async def test_a_source_that_is_due_is_put_into_the_queue_once_and_planned_again(db: Database) -> None:
    now = datetime.now(UTC)
    async with owner_transaction(db.owner) as connection:
        await sync_sources.add(connection, kept(next_run=now - timedelta(minutes=1)))
        await sync_sources.add(connection, kept(name="later", next_run=now + timedelta(hours=1)))
    access_service = AccessService(db, Settings(), Limits(Settings(), db.pool_size).connections)
    work = Work(Tools(db, Settings(), access_service, asyncio.Event()), 1, {})
    for _ in range(2):
        await pull_rosters.JOB.run(work)
    (job,) = await rows(db, "SELECT payload FROM hallpass.job WHERE entrypoint = 'pull_roster'")
    assert job.payload == b'{"source":"sis"}'
    (due,) = await owned(db.owner, "SELECT next_run FROM hallpass.sync_source WHERE name = 'sis'")
    assert due["next_run"] > now
    await execute(db.owner, "DELETE FROM hallpass.sync_source")


@needs_shared
async def test_a_source_is_fetched_from_an_allowed_host(db: Database, tmp_path: Path) -> None:
    with serving("1.1") as provider:
        source, secrets = kept(place=provider.url), Bearer("t")
        with pytest.raises(HallpassError, match="HALLPASS_SYNC_HOSTS"):
            service(source, secrets, Settings())
        async with importing_into(db, tmp_path) as importing:
            held = Secrets(importing.district.key, secrets)
            private = {"sync_hosts": ("127.0.0.1",), "sync_private": True}
            run = run_of(importing, source, held, sync_hosts=("127.0.0.1",))
            status, report = await run.now()
            assert (status, "leads to a private address" in report["error"]) == (2, True)
            status, report = await run_of(importing, source, held, **private).now()
            assert (status, report["records"]["Student"]["created"]) == (0, 6)


async def test_an_inbox_is_read_in_order_and_a_bad_package_put_aside(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "LOOK_SECONDS", 0)
    folder = tmp_path / "inbox"
    folder.mkdir()
    students = [row for n in range(1, 4) for row in family(n)]
    package(folder / "first.zip", users=students, enrollments=[enrollment(n) for n in range(1, 4)])
    package(folder / "second.zip", text={"users": "a;b\n"}, users=students)
    for n, name in enumerate(("first", "second")):
        os.utime(folder / f"{name}.zip", (time.time() - 100 + n,) * 2)
    async with importing_into(db, tmp_path) as importing:
        run = run_of(importing, kept(kind="inbox", place=str(folder)), Secrets(importing.district.key))
        status, report = await run.now()
        assert (status, list(report["files"])) == (2, ["first.zip", "second.zip"])
        assert report["files"]["first.zip"]["records"]["Student"]["created"] == 3
        assert [p.name.split(".")[0] for p in (folder / "done").glob("*.zip")] == ["first"]
        assert [p.name.split(".")[0] for p in (folder / "refused").glob("*.zip")] == ["second"]
        assert b"not separated by commas" in next((folder / "refused").glob("*.json")).read_bytes()


async def test_a_file_that_the_exchange_cannot_take_now_stays_taken(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "LOOK_SECONDS", 0)
    folder = tmp_path / "inbox"
    folder.mkdir()
    package(folder / "a.zip", users=family(1))
    os.utime(folder / "a.zip", (time.time() - 100,) * 2)
    async with importing_into(db, tmp_path) as importing:
        run = run_of(importing, kept(kind="inbox", place=str(folder)), Secrets(generate()))
        assert (await run.now())[0] == 2
        assert [p.name for p in (folder / "taken").glob("*.zip")] == ["a.zip"]
        inbox = inboxes.Inbox(folder)
        status, report = await run.now()
        assert (status, inbox.tries(folder / "taken" / "a.zip")) == (1, 1), "it was read again without a pause"
        assert "next try at" in report["error"]
        monkeypatch.setattr(inboxes, "FIRST_PAUSE", 0)
        for _ in range(inboxes.MOST_TRIES - 1):
            await run.now()
        assert not list((folder / "taken").iterdir())
        assert [p.name.split(".")[0] for p in (folder / "refused").glob("*.zip")] == ["a"]


async def test_a_file_that_an_inbox_has_no_mapping_for_is_refused_and_holds_up_no_other(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "LOOK_SECONDS", 0)
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.csv").write_text("student\n")
    package(folder / "b.zip", users=family(1), enrollments=[enrollment(1)])
    for n, name in enumerate(("a.csv", "b.zip")):
        os.utime(folder / name, (time.time() - 100 + n,) * 2)
    async with importing_into(db, tmp_path) as importing:
        run = run_of(importing, kept(kind="inbox", place=str(folder)), Secrets(importing.district.key))
        status, report = await run.now()
    assert (status, list(report["files"])) == (2, ["a.csv", "b.zip"])
    assert "--mapping" in report["files"]["a.csv"]["error"]
    assert [p.name.split(".")[0] for p in (folder / "refused").glob("*.csv")] == ["a"]
    assert [p.name.split(".")[0] for p in (folder / "done").glob("*.zip")] == ["b"]
