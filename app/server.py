"""Starting the server: settings, database, schema, and the application of one process."""

from __future__ import annotations

import asyncio
import logging
import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy import URL

from app.main import create_app
from app.settings import Settings, load
from app.store import embedded, migrate
from app.store.engine import Database, owner_url

KEEP_ALIVE_SECONDS = 75


def database_url(settings: Settings) -> URL:
    """The owner's URL: DATABASE_URL's server, or the embedded one, which this starts or joins."""
    return owner_url(settings.database_url) if settings.database_url else embedded.start(settings.data_dir)


def open_database(settings: Settings) -> Database:
    """The pool of one process. The schema is not looked at."""
    return Database(
        database_url(settings), pool_size=settings.pool_size, statement_timeout_ms=settings.statement_timeout_ms
    )


def prepare_schema(settings: Settings) -> None:
    """Migrate a fresh database; raise WrongSchema on one of another version."""
    asyncio.run(migrate.check(database_url(settings)))


def application() -> FastAPI:
    """The application of one worker process, from the environment."""
    settings = load()
    _log_to_stderr()
    return create_app(settings, open_database(settings))


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    prepare_schema(settings)
    _log_to_stderr()
    uvicorn.run(
        "app.server:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers if settings.workers > 1 else None,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=65_536,
    )


def _log_to_stderr() -> None:
    """One line for each request, by its route; never its query, its body or its answer."""
    log = logging.getLogger("hallpass")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
