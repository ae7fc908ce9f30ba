"""What every command needs: settings, the database, and a clear last line when something is wrong."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.db import migrate
from app.errors import HallpassError
from app.server import CannotListen, database_url
from app.settings import Settings, UnsafeSettings, load

T = TypeVar("T")


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the errors that a person can mend into one line and exit status 2."""
    try:
        yield
    except UnsafeSettings as e:
        _stop(f"settings: {e}")
    except (migrate.WrongSchema, CannotListen) as e:
        _stop(str(e))
    except HallpassError as e:
        _stop("; ".join(f"{i.expression}: {i.text}" if i.expression else i.text for i in e.issues))
    except (OSError, DBAPIError) as e:
        _stop(f"the database cannot be used: {type(e).__name__}")


def as_owner(work: Callable[[AsyncConnection, Settings], Awaitable[T]]) -> T:
    """Run work in one transaction as the owner of the tables, on a database of this version."""
    settings = load()
    owner = database_url(settings)

    async def run() -> T:
        await migrate.check(owner)
        engine = create_async_engine(owner, hide_parameters=True)
        try:
            async with engine.begin() as connection:
                return await work(connection, settings)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _stop(message: str) -> None:
    print(f"hallpass: {message}", file=sys.stderr)
    sys.exit(2)
