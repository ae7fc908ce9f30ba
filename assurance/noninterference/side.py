"""One of the two worlds: a database of its own, and the application over it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app import main
from app.auth.service import Auth
from app.db.engine import Database
from app.db.login import APP_ROLE
from app.exchange.bulk import export
from app.settings import Settings
from app.submit.fetch import Fetcher
from app.submit.run import steps as submitted
from assurance.noninterference.determinism import EPOCH, Clock, drawing
from assurance.noninterference.names import Names
from assurance.noninterference.wire import BASE, Request, Response, ask
from tests.statements import Statements

PATIENT = 600_000
"""Milliseconds for a statement: what the worlds answer must not depend on how busy this machine is."""
TRIES = 3
"""How often what was broken off is asked again; what stays so is compared."""
SETTINGS = Settings(base_url=BASE, token_seconds=3600, default_count=10, max_count=20)

_CLOCK = f"""
    CREATE SCHEMA prove;
    CREATE TABLE prove.clock (at timestamptz NOT NULL);
    INSERT INTO prove.clock VALUES ('{EPOCH.isoformat()}');
    GRANT USAGE ON SCHEMA prove TO {APP_ROLE};
    GRANT SELECT ON prove.clock TO {APP_ROLE};
    CREATE OR REPLACE FUNCTION hallpass.statement_time() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
        AS 'SELECT at FROM prove.clock';
    CREATE OR REPLACE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT at FROM prove.clock'
"""
_NAMED = """
    CREATE FUNCTION prove.named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.id := md5(concat_ws('/', extract(epoch FROM NEW.minute), NEW.kind, NEW.client, NEW.outcome, NEW.detail));
        RETURN NEW;
    END $$
"""
_NAMING = "CREATE TRIGGER named BEFORE INSERT ON hallpass.event FOR EACH ROW EXECUTE FUNCTION prove.named()"
_SUBMISSIONS = "DELETE FROM hallpass.job WHERE entrypoint = 'submission' RETURNING payload"
_EXPORTS = "DELETE FROM hallpass.job WHERE entrypoint = 'export' RETURNING payload"
_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'hallpass' AND c.relkind = 'r' AND c.relname NOT IN ('alembic_version', 'applied_schema')
    ORDER BY (SELECT count(*) FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = c.oid), c.relname
"""


async def fix_clock(owner: URL) -> None:
    """Give a database the prover's clock, which it reads from a table, and ids of its own to the trail's events."""
    async with _owner(owner) as connection:
        for statement in (*_CLOCK.split(";"), _NAMED, _NAMING):
            await connection.exec_driver_sql(statement)


@dataclass(frozen=True, slots=True)
class Heard:
    """A response with names for numbers (if it is judged), the response as it came, and the statements it took."""

    normal: Response
    raw: Response
    statements: tuple[str, ...]


class Side:
    """Answers requests, and can go back to where it was remembered."""

    def __init__(
        self, app: FastAPI, db: Database, owner: AsyncConnection, tokens: dict[str, str], statements: Statements
    ) -> None:
        self.app = app
        self.db = db
        self.tokens = tokens
        self.names = Names()
        self._owner = owner
        self._statements = statements

    async def do(self, label: str, requests: Sequence[Request], *, judged: bool = False) -> list[Heard]:
        """The answers to the requests of one step, in turn."""
        with drawing(label):
            return [await self._hear(r, judged) for r in requests]

    async def _hear(self, request: Request, judged: bool) -> Heard:
        self._statements.clear()
        path, body = self.names.plain(request.path), self.names.plain(request.body)
        headers = [(k, self.names.plain(v)) for k, v in request.headers]
        if request.client is not None:
            headers.append(("Authorization", f"Bearer {self.tokens[request.client]}"))
        raw = await ask(self.app, request.method, path, headers, body.encode())
        for _ in range(TRIES):  # a machine that stood still broke it off, and nothing was done: it is asked again
            if raw.status != 503:
                break
            self._statements.clear()
            raw = await ask(self.app, request.method, path, headers, body.encode())
        await self._work()
        return Heard(self.names.normal(path, raw) if judged else raw, raw, self._statements.sent)

    async def _work(self) -> None:
        """Do what a worker would: choose what the exports hold that wait, and take what is submitted."""
        for row in await self._owner.execute(text(_EXPORTS)):
            async for _ in export.steps(self.app.state.access_service, json.loads(bytes(row.payload))):
                pass
        fetcher = Fetcher(())
        for row in await self._owner.execute(text(_SUBMISSIONS)):
            payload = json.loads(bytes(row.payload))
            async for _ in submitted(self.app.state.access_service, self.app.state.settings, fetcher, payload):
                pass

    async def set_clock(self, clock: Clock) -> None:
        """Tell the database the time."""
        await self._owner.execute(text("UPDATE prove.clock SET at = :now"), {"now": clock.now})

    async def remember(self) -> None:
        """Keep what the tables hold now for `restore`."""
        names = [row.relname for row in await self._owner.execute(text(_TABLES))]
        moves = [f"DELETE FROM hallpass.{t};" for t in reversed(names)]
        moves += [f"INSERT INTO hallpass.{t} OVERRIDING SYSTEM VALUE SELECT * FROM prove.kept_{t};" for t in names]
        for name in names:
            await self._owner.exec_driver_sql(f"DROP TABLE IF EXISTS prove.kept_{name}")
            await self._owner.exec_driver_sql(f"CREATE TABLE prove.kept_{name} AS TABLE hallpass.{name}")
        await self._owner.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION prove.restore() RETURNS void LANGUAGE plpgsql"
            f" AS $$ BEGIN {' '.join(moves)} END $$"
        )
        await self._owner.exec_driver_sql("ANALYZE")

    async def restore(self) -> None:
        """Go back to where `remember` was called; no name is known any more."""
        await self._owner.exec_driver_sql("SELECT prove.restore()")
        self.names = Names()


@asynccontextmanager
async def open_side(owner: URL, clock: Clock, tokens: dict[str, str]) -> AsyncIterator[Side]:
    """The application, started, over a database whose clock is the prover's."""
    async with AsyncExitStack() as stack:
        db = Database(owner, pool_size=2, statement_timeout_ms=PATIENT)
        statements = Statements(db)
        app = _app(db, clock.time)
        await stack.enter_async_context(app.router.lifespan_context(app))
        connection = await stack.enter_async_context(_owner(owner))
        yield Side(app, db, connection, tokens, statements)


def _app(db: Database, time: Callable[[], float]) -> FastAPI:
    """The application as it is, but for the clock of its tokens."""
    with pytest.MonkeyPatch.context() as patch:
        timed = SimpleNamespace(create=lambda db, settings: Auth.create(db, settings, clock=time))
        patch.setattr(main, "Auth", timed)
        return main.create_app(SETTINGS, db)


@asynccontextmanager
async def _owner(url: URL) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()
