"""What the operator's pages show: the same as the commands print, read as the owner of the tables, and no record.

https://www.postgresql.org/docs/current/sql-set-transaction.html: the transaction can write nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients
from app.auth.clients import Client
from app.db import network
from app.db.doctor import Finding
from app.db.engine import Database, owner_transaction
from app.db.network import Agreement, Member, SigningKey
from app.exchange.diagnosis import diagnose
from app.queue import state
from app.queue.state import Failed, Kind, Living
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Network:
    """Who is in it, who may share with whom, and what is to mend."""

    members: list[Member]
    agreements: list[Agreement]
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Clients:
    """Who may call, when each last did, since when each has its keys, and the server's own keys."""

    members: list[Member]
    clients: list[Client]
    used: dict[str, datetime]
    keys: dict[str, datetime]
    signing: list[SigningKey]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Background work."""

    kinds: list[Kind]
    failed: list[Failed]
    workers: list[Living]


async def of_network(db: Database, settings: Settings) -> Network:
    """As `hallpass org list`, `agreement list` and `doctor` have it."""
    async with _reading(db, settings) as connection:
        return Network(
            await network.members(connection),
            await network.agreements(connection),
            sorted(await diagnose(connection, settings), key=lambda f: not f.serious),
        )


async def of_clients(db: Database, settings: Settings) -> Clients:
    """As `hallpass client list` has it, with the ages of keys."""
    async with _reading(db, settings) as connection:
        return Clients(
            await network.members(connection),
            await clients.everyone(connection),
            await clients.last_logins(connection),
            await network.client_keys(connection),
            await network.signing_keys(connection),
        )


async def of_jobs(db: Database, settings: Settings) -> Jobs:
    """As `hallpass jobs` has it, of the kinds that have a schedule or a job."""
    async with _reading(db, settings) as connection:
        names = await state.scheduled(connection)
        return Jobs(
            await state.kinds(connection, names), await state.failed(connection), await state.workers(connection)
        )


@asynccontextmanager
async def _reading(db: Database, settings: Settings) -> AsyncIterator[AsyncConnection]:
    async with owner_transaction(db.owner, settings.statement_timeout_ms / 1000) as connection:
        await connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection
