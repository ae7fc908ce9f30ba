"""What every command needs: settings, the database, and a clear last line when something is wrong."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from app import terminal
from app.db import migrate
from app.db.address import spelled
from app.db.engine import owner_transaction
from app.db.faults import UNUSABLE, told
from app.server import CannotListen, database_url
from app.settings import Settings, load

T = TypeVar("T")


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the errors that a person can mend, those of the database among them, into one line and exit status 2."""
    with terminal.plainly():
        try:
            yield
        except (migrate.WrongSchema, CannotListen) as e:
            terminal.stop(str(e))
        except UNUSABLE as e:
            terminal.stop(told(e, _place()))


def as_owner(work: Callable[[AsyncConnection, Settings], Awaitable[T]], *, create: bool = False) -> T:
    """Run work in one transaction as the owner of the tables, on a database of this version.

    With `create` the database is made where the server has none of its name, and that is said.
    """
    settings = load()
    owner = database_url(settings)

    async def run() -> T:
        if await migrate.check(owner, create=create or settings.database_url is None) and settings.database_url:
            print(f"hallpass: created the database {owner.database}", file=sys.stderr)
        async with owner_transaction(owner, settings.statement_timeout_ms / 1000) as connection:
            return await work(connection, settings)

    return asyncio.run(run())


def _place() -> str:
    """Which database the settings name."""
    settings = load()
    return spelled(database_url(settings)) if settings.database_url else f"the embedded one in {settings.data_dir}"
