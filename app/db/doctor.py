"""What an operator should know of a database before others rely on it. Read as the owner of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.address import pooled
from app.db.driver import on_driver
from app.db.login import APP_ROLE

WITHOUT_ROWS_OF_MEMBERS = frozenset(
    {"alembic_version", "app_login", "applied_schema", "assertion", "batch", "chain_end", "client", "client_usage"}
    | {"job", "job_log", "job_schedule", "job_statistics", "ledger_drop", "revoked_token", "signing_key"}
    | {"sync_source", "worker"}
)
"""Tables that need no row-level security: no row is about a record, or the app's role cannot read any."""
OWNERS_OWN = ("set_operator", "partition_ledger", "drop_ledger", "record_command", "operating_figures")
OLD = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, what to do, and whether it must be mended before serving."""

    what: str
    todo: str
    serious: bool = True


async def examine(connection: AsyncConnection) -> list[Finding]:
    """Everything that was found, the serious first."""
    found = [
        *await _row_security(connection),
        *await _roles(connection),
        *await _grants(connection),
        *await _replication(connection),
        *await _settings(connection),
        *await _login_age(connection),
    ]
    return sorted(found, key=lambda f: not f.serious)


async def pooler(connection: AsyncConnection, owner: URL) -> list[Finding]:
    """Whether the address is true of what stands between: a pooler tells a number of its own for the process behind."""
    between = on_driver(connection).get_server_pid() != await connection.scalar(text("SELECT pg_backend_pid()"))
    if between and not pooled(owner):
        todo = "Add pgbouncer=true to it, unless the pooler keeps prepared statements or gives sessions."
        return [Finding("a pooler stands between, and DATABASE_URL does not say so", todo, False)]
    if pooled(owner) and not between:
        todo = "Leave it out: each statement is parsed each time."
        return [Finding("DATABASE_URL says pgbouncer=true, and no pooler stands between", todo, False)]
    return []


async def _row_security(connection: AsyncConnection) -> list[Finding]:
    rows = await connection.execute(
        text("""
            SELECT relname FROM pg_class WHERE relnamespace = 'hallpass'::regnamespace AND relkind IN ('r', 'p')
              AND NOT relrowsecurity AND NOT relispartition
        """)
    )
    return [
        Finding(
            f"row-level security is off for hallpass.{row.relname}",
            f"Run ALTER TABLE hallpass.{row.relname} ENABLE ROW LEVEL SECURITY.",
        )
        for row in rows
        if row.relname not in WITHOUT_ROWS_OF_MEMBERS
    ]


async def _roles(connection: AsyncConnection) -> list[Finding]:
    found = []
    roles = await connection.execute(
        text("""
            SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole AS strong FROM pg_roles
            WHERE rolname = :group OR rolname IN (SELECT role FROM hallpass.app_login)
        """),
        {"group": APP_ROLE},
    )
    names = {row.rolname: row for row in roles}
    if APP_ROLE not in names:
        return [Finding(f"the role {APP_ROLE} is missing", "Run `hallpass migrate --again`.")]
    if names[APP_ROLE].rolcanlogin:
        found.append(Finding(f"the role {APP_ROLE} can log in", "Run `hallpass migrate --again`."))
    for name, row in names.items():
        if row.strong:
            todo = f"Run ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS NOCREATEROLE."
            found.append(Finding(f"the role {name} passes by row-level security", todo))
    owned = await connection.scalar(
        text("""
            SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
            WHERE c.relnamespace = 'hallpass'::regnamespace AND (r.rolname = :group OR r.rolname LIKE :logins)
        """),
        {"group": APP_ROLE, "logins": f"{APP_ROLE}\\_%"},
    )
    if owned:
        found.append(Finding(f"the app's role owns {owned} tables", "Give them back by ALTER TABLE ... OWNER TO."))
    return found


async def _grants(connection: AsyncConnection) -> list[Finding]:
    functions = await connection.scalars(
        text("""
            SELECT proname FROM pg_proc WHERE pronamespace = 'hallpass'::regnamespace
              AND proname = ANY (:names) AND has_function_privilege(:group, oid, 'EXECUTE')
        """),
        {"names": list(OWNERS_OWN), "group": APP_ROLE},
    )
    found = [f"the app's role may call hallpass.{name}" for name in functions]
    tables = await connection.execute(
        text("""
            SELECT relname, has_table_privilege(:group, oid, 'UPDATE, DELETE, TRUNCATE') AS writes,
                   has_table_privilege(:group, oid, 'SELECT') AS reads
            FROM pg_class WHERE relnamespace = 'hallpass'::regnamespace
              AND relname IN ('disclosure', 'event', 'batch', 'chain_end', 'app_login', 'client')
        """),
        {"group": APP_ROLE},
    )
    for row in tables:
        if row.writes:
            found.append(f"the app's role may change hallpass.{row.relname}")
        if row.relname == "app_login" and row.reads:
            found.append("the app's role may read its own login")
    return [Finding(what, "Run `hallpass migrate --again`, then look who granted it.") for what in found]


async def _replication(connection: AsyncConnection) -> list[Finding]:
    values = await _shown(connection, "synchronous_standby_names", "synchronous_commit", "fsync", "full_page_writes")
    found = [
        Finding(f"{name} is off: what was answered can be lost", f"Set {name} = on in the server's configuration.")
        for name in ("fsync", "full_page_writes")
        if values[name] == "off"
    ]
    if values["synchronous_commit"] == "off":
        found.append(Finding("synchronous_commit is off", "Set it to on: the exchange asks for it each time.", False))
    if not values["synchronous_standby_names"]:
        todo = "Set synchronous_standby_names (Patroni: synchronous_mode_strict), or accept it for a single machine."
        found.append(Finding("no synchronous standby: a lost machine loses disclosures that clients hold", todo, False))
    elif not await connection.scalar(text("SELECT hallpass.standbys_follow()")):
        todo = "Start a standby, or take it out of synchronous_standby_names: until then each write is a 503."
        found.append(Finding("fewer standbys follow than a commit waits for", todo))
    return found


async def _settings(connection: AsyncConnection) -> list[Finding]:
    values = await _shown(connection, "log_min_messages", "log_statement", "ssl", "listen_addresses")
    found = []
    if values["log_statement"] == "all":
        todo = "Set log_statement to ddl or none."
        found.append(Finding("log_statement is all: values of records may be kept in the log", todo))
    if values["ssl"] == "off" and values["listen_addresses"] not in ("", "localhost", "127.0.0.1", "::1"):
        found.append(Finding("the database takes connections without TLS", "Set ssl = on, and sslmode=verify-full."))
    return found


async def _login_age(connection: AsyncConnection) -> list[Finding]:
    old = await connection.scalar(
        text("SELECT max(created) < now() - CAST(:old AS interval) FROM hallpass.app_login"), {"old": OLD}
    )
    return [Finding("the app's login is over a year old", "Run `hallpass keys rotate-login`.", False)] if old else []


async def _shown(connection: AsyncConnection, *names: str) -> dict[str, Any]:
    return {name: await connection.scalar(text("SELECT current_setting(:name)"), {"name": name}) for name in names}
