"""docs/guides/backup.md as it stands: base backup, incremental one and log, restored to a moment and settled."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
from sqlalchemy import URL

from app.db import embedded
from app.db.migrate import migrate
from app.keyring import new
from tests.databases import rows
from tests.scene import set_scene
from tests.witness.restoring import TOOLS, again, command, witnessed

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "backup.md"
BLOCKS = re.findall(r"```bash (\w+)\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)


@dataclass
class Site:
    """A PostgreSQL of its own, a folder for backups that its user may write, and how commands are run there."""

    owner: URL
    backups: Path
    user: int

    def start(self, script: str, **more: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": f"{TOOLS}:{os.environ['PATH']}",
            "PGHOST": str(self.owner.query["host"]),
            "PGUSER": "postgres",
            "PGDATABASE": "hallpass",
            "BACKUPS": str(self.backups),
            **more,
        }
        return subprocess.Popen(
            ["bash", "-euc", script],
            env=environment,
            user=self.user,
            cwd=self.backups,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    async def run(self, script: str, **more: str) -> None:
        started = self.start(script, **more)
        assert await asyncio.to_thread(started.wait, 120) == 0, script

    def scripts(self, kind: str) -> list[str]:
        return [script for k, script in BLOCKS if k == kind]


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="hallpass-backup-"))
    os.chmod(folder, 0o755)  # noqa: S103 - PostgreSQL runs as a user of its own
    owner = await asyncio.to_thread(embedded.start, folder)
    user = (folder / "postgres").stat().st_uid
    (folder / "backups" / "wal").mkdir(parents=True)
    for made in (folder / "backups", folder / "backups" / "wal"):
        os.chown(made, user, -1)
    await migrate(owner, create=True)
    yield Site(owner, folder / "backups", user)
    for where in (folder / "postgres", folder / "backups" / "restored"):
        if (where / "postmaster.pid").exists():
            os.kill(int((where / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)


async def test_the_commands_of_the_guide_restore_to_a_moment_and_what_ended_since_stays_ended(
    site: Site, tmp_path: Path
) -> None:
    key = new()
    [stream] = site.scripts("background")
    first, *others = site.scripts("run")
    await site.run(first)
    streaming = site.start(stream)
    try:
        async with witnessed(site.owner, tmp_path / "witness", key=key) as world:
            scene = await set_scene(world)
            release = await scene.release("Encounter")
            for script in others:
                await site.run(script)
            [[moment]] = await rows(site.owner, "SELECT now()::text")
            await asyncio.sleep(0.1)
            await scene.district.save({**release, "status": "inactive"})
            await rows(site.owner, "SELECT pg_switch_wal()")
            [[end]] = await rows(site.owner, "SELECT pg_current_wal_lsn()::text")
            await _streamed(site.owner, end)
    finally:
        streaming.terminate()
        streaming.wait(60)  # it may see the signal only at its next status report, 10 s later
    socket = site.backups / "socket"
    socket.mkdir()
    os.chown(socket, site.user, -1)
    options = f"-c unix_socket_directories={socket} -c listen_addresses="
    await site.run(site.scripts("restore")[0], MOMENT=moment, OPTIONS=options)
    restored = site.owner.set(query={"host": str(socket)})
    async with witnessed(restored, tmp_path / "witness", key=key) as world:
        _, clinic = await again(scene, world)
        encounter = f"/Encounter/{scene.records['Encounter']['id']}"
        assert (await clinic.get(encounter)).status_code == 503
        for line in site.scripts("operator")[0].splitlines():
            done = await command(restored, tmp_path / "witness", *line.split()[1:], HALLPASS_KEY=key)
            assert done.exit_code == 0, (line, done.output)
        _, clinic = await again(scene, world)
        assert (await clinic.get(encounter)).status_code == 404


async def _streamed(owner: URL, end: str) -> None:
    """Wait until the log has gone to the backups up to here."""
    deadline = time.monotonic() + 30
    while not (await rows(owner, f"SELECT bool_or(flush_lsn >= '{end}') FROM pg_stat_replication"))[0][0]:
        assert time.monotonic() < deadline, "the log is not fetched"
        await asyncio.sleep(0.1)
