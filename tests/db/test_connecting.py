"""A connection that is being made when its caller gives up, or in use when its pool is closed."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import suppress

from sqlalchemy import URL

from app.db.engine import Database

MOMENTS = 40


async def test_a_caller_that_is_canceled_while_it_connects_leaves_no_connection_open(database: URL) -> None:
    """At whatever moment: else PostgreSQL keeps a connection that nobody has until the garbage is collected."""
    db = Database(database, pool_size=1)
    await db.alive()  # the login is known
    started = asyncio.get_running_loop().time()
    await db.dispose()
    await db.alive()
    took = asyncio.get_running_loop().time() - started
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        for moment in range(MOMENTS):
            await db.dispose()
            task = asyncio.create_task(db.alive())
            await asyncio.sleep(took * moment / MOMENTS)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            del task
        await db.dispose()
        gc.collect()
    assert [str(w.message) for w in left] == []


async def test_a_connection_that_comes_back_to_a_pool_that_was_closed_is_closed_too(database: URL) -> None:
    db = Database(database, pool_size=1)
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        async with db.begin() as connection:
            used = await connection.get_raw_connection()
            driver_connection = used.driver_connection
            assert driver_connection is not None
            await db.dispose()
        assert driver_connection.is_closed()
        del used, connection, driver_connection
        async with db.begin():
            pass
        await db.dispose()
        gc.collect()
    assert [str(w.message) for w in left] == []
