"""The bare limit: FastAPI and one asyncpg statement by primary key, with no token, no gate and no ledger.

    uvicorn bench.bare:app   with BENCH_DATABASE: the URL that asyncpg takes

Each route answers the same bytes as its counterpart in the product. `bare` is a table of bodies by key.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request, Response

KIND = "application/fhir+json"


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=4, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool)


@app.get("/bare/{key}")
async def read(request: Request, key: UUID) -> Response:
    """One body by its key."""
    pool: Any = request.app.state.pool
    return Response(await pool.fetchval("SELECT body FROM bench.bare WHERE id = $1", key), media_type=KIND)


@app.get("/page/{key}")
async def page(request: Request, key: UUID) -> Response:
    """A page of bodies, by the key of the page, newest first, as a Bundle."""
    pool: Any = request.app.state.pool
    rows = await pool.fetch(
        "SELECT body FROM bench.bare WHERE page = $1 ORDER BY updated DESC, id DESC LIMIT 50", key
    )
    entries = b",".join(b'{"resource":' + r["body"] + b"}" for r in rows)
    return Response(b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}", media_type=KIND)
