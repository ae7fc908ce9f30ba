"""The bare limit: FastAPI and one asyncpg statement by primary key, with no token, no access service and no ledger.

    uvicorn bench.bare:app   with BENCH_DATABASE: the URL that asyncpg takes

Each route answers or stores the same bytes as its counterpart in the product. `bench.bare` is a table of bodies.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Request, Response

from app.exchange.validated import validate_now
from app.fhir.json import dump, parse
from app.resources import TYPES

KIND = "application/fhir+json"
BASE = "http://127.0.0.1:8000/fhir"


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=4, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool)


@app.get("/read/{key}")
async def read(request: Request, key: UUID) -> Response:
    """One body by its key."""
    pool: Any = request.app.state.pool
    return Response(await pool.fetchval("SELECT body FROM bench.bare WHERE id = $1", key), media_type=KIND)


@app.get("/page/{key}")
async def page(request: Request, key: UUID) -> Response:
    """A page of bodies, by the key of the page, newest first."""
    pool: Any = request.app.state.pool
    rows = await pool.fetch("SELECT body FROM bench.bare WHERE page = $1 ORDER BY updated DESC, id DESC LIMIT 50", key)
    return Response(_bundle([r["body"] for r in rows]), media_type=KIND)


@app.get("/joined/{key}")
async def joined(request: Request, key: UUID) -> Response:
    """A page of bodies, each with the body of its student."""
    pool: Any = request.app.state.pool
    rows = await pool.fetch(
        "SELECT b.body, s.body AS student FROM bench.bare b JOIN bench.bare s ON s.id = b.student"
        " WHERE b.page = $1 ORDER BY b.updated DESC, b.id DESC LIMIT 50",
        key,
    )
    return Response(_bundle([r["body"] for r in rows] + [r["student"] for r in rows]), media_type=KIND)


@app.post("/create")
async def create(request: Request) -> Response:
    """Validate a body as the product does, and insert it."""
    pool: Any = request.app.state.pool
    content = parse(await request.body())
    validate_now(TYPES["ServiceRequest"], content, BASE)
    body = dump(content)
    await pool.execute("INSERT INTO bench.bare (id, updated, body) VALUES ($1, now(), $2)", uuid4(), body)
    return Response(body, 201, media_type=KIND)


def _bundle(bodies: list[bytes]) -> bytes:
    entries = b",".join(b'{"resource":' + body + b"}" for body in bodies)
    return b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}"
