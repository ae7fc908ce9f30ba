"""Starting the server: settings, database, schema, and the application of one process."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from http.client import HTTPConnection, HTTPException

import uvicorn
from fastapi import FastAPI
from sqlalchemy import URL

from app import management, processes
from app.auth.keys import require_ours
from app.db import embedded, migrate
from app.db.address import BadAddress, owner_url
from app.db.engine import Database, owner_transaction
from app.keyring import Keyring, WrongKey
from app.limits.protocol import BoundedProtocol
from app.main import create_app
from app.settings import Settings, UnsafeSettings, load
from app.telemetry import log
from app.witness import keeper
from app.witness.folder import Folder
from app.witness.marks import Standing

KEEP_ALIVE_SECONDS = 75
WORKER_SECONDS = 60
"""In which one of several processes must answer the one that looks after them, its start included."""


class CannotListen(Exception):
    """The address to listen on is another program's, or not one of this machine."""


def database_url(settings: Settings) -> URL:
    """The owner's URL: DATABASE_URL's server, or the embedded one, which this starts or joins.

    Raises UnsafeSettings for a DATABASE_URL that cannot be used as it is written.
    """
    if not settings.database_url:
        return embedded.start(settings.data_dir)
    try:
        return owner_url(settings.database_url)
    except BadAddress as e:
        raise UnsafeSettings(f"DATABASE_URL: {e}") from None


def open_database(settings: Settings) -> Database:
    """The pool of one process. The schema is not looked at."""
    return Database(
        database_url(settings), pool_size=settings.pool_size, statement_timeout_ms=settings.statement_timeout_ms
    )


def prepare_schema(settings: Settings) -> None:
    """Migrate a fresh database; raise WrongSchema on one of another version, and where there is none of its name."""
    asyncio.run(migrate.check(database_url(settings), create=settings.database_url is None))


def require_key(settings: Settings) -> None:
    """Raise UnsafeSettings where the database's signing keys were sealed with another key than the settings name."""

    async def look() -> None:
        async with owner_transaction(database_url(settings)) as connection:
            await require_ours(connection, Keyring.of(settings))

    try:
        asyncio.run(look())
    except WrongKey:
        raise UnsafeSettings(
            "HALLPASS_KEY: the signing keys in the database are sealed with another key. Give that one, or several "
            "separated by commas; if it is lost, run `hallpass keys rotate --discard`"
        ) from None


def look_at_witness(settings: Settings) -> None:
    """Compare the database with its witness, and say where that keeps records in. Raises UnsafeSettings."""
    if settings.witness is None:
        return
    try:
        found = asyncio.run(keeper.look(database_url(settings), Folder(settings.witness)))
    except ValueError as e:
        raise UnsafeSettings(f"HALLPASS_WITNESS: {e}") from None
    if found not in (Standing.NEW, Standing.CURRENT):
        print(f"hallpass: {found.value}: nothing leaves until `hallpass after-restore` has settled it", file=sys.stderr)


def application() -> FastAPI:
    """The application of one process, from the environment; called within the loop that serves it."""
    settings = load()
    log.to_stderr(settings.log_format)
    processes.drain_first(settings.drain_seconds)
    app = create_app(settings, open_database(settings))
    _settle_memory()
    return app


def serve(settings: Settings, when_listening: Callable[[], None]) -> None:
    """Serve until told to stop. `when_listening` is called in a thread of its own once requests are taken."""
    _require_free(settings.host, settings.port)
    prepare_schema(settings)
    require_key(settings)
    look_at_witness(settings)
    log.to_stderr(settings.log_format)
    _serve_measures(settings)
    threading.Thread(target=_watch, args=(settings, when_listening), daemon=True).start()
    config = uvicorn.Config(
        "app.server:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers if settings.workers > 1 else None,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # nothing here rests on the caller's address; the service's own is a setting
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
        timeout_worker_healthcheck=WORKER_SECONDS,
        http=BoundedProtocol,
    )
    with processes.worker_beside() if settings.worker else nullcontext():
        processes.run(config)


def _serve_measures(settings: Settings) -> None:
    management.share_measures(settings)
    try:
        management.serve(settings, database_url(settings))
    except OSError as e:
        raise CannotListen(
            f"cannot listen on {settings.metrics_host}:{settings.metrics_port} for metrics: {e.strerror or e}; "
            "another port is chosen by HALLPASS_METRICS_PORT"
        ) from e


def _require_free(host: str, port: int) -> None:
    """Raise CannotListen before anything is done that would be for nothing."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as e:
        raise CannotListen(
            f"cannot listen on {host}:{port}: {e.strerror or e}; "
            "another port is chosen by HALLPASS_PORT, with HALLPASS_BASE_URL, where it is set, to match"
        ) from e


def _watch(settings: Settings, when_listening: Callable[[], None]) -> None:
    """Call back as soon as requests are answered."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    while True:
        try:
            asked = HTTPConnection(host, settings.port, timeout=WORKER_SECONDS)
            asked.request("GET", "/health/live")
            asked.getresponse().read()
            break
        except (OSError, HTTPException):
            time.sleep(0.05)
    when_listening()


def _settle_memory() -> None:
    """What stands when serving begins stays: the collector need not walk all of it again and again."""
    gc.collect()
    gc.freeze()
