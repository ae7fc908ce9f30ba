"""The database's schema as schema/ says it: one object per file, applied in the order of their dependencies.

Tables and types are created once; migrations alter them. Functions, views, grants and policies are applied again
whenever one of them changes. docs/decisions/0021-one-schema.md says why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from sqlalchemy import Connection, text

from app.consent.codes import PART2
from app.consent.jurisdictions import ROWS
from app.resources import REGISTRY, Visibility
from app.resources.declaration import OPEN_TO_CLAIM, SEEN_BY_PARTIES

FOLDER = Path(__file__).resolve().parents[2] / "schema"


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database of this version is made of: SQL files, each as its text."""

    tables: tuple[str, ...]
    """Types and tables with their indexes; only ever applied to an empty database."""
    code: tuple[str, ...]
    """Functions: replaced without a lock on any table."""
    views: tuple[str, ...]
    """Views and triggers."""
    policies: dict[str, str]
    """By table."""
    grants: str

    def checksums(self) -> tuple[str, str]:
        """Of the tables, and of all that is applied again when it changes."""
        return _checksum(self.tables), _checksum((*self.code, *self.views, *self.policies.values(), self.grants))


def load(folder: Path = FOLDER) -> Schema:
    """Read a schema folder, with the lists of types filled in from the registry (app/resources)."""

    def files(kind: str) -> dict[str, str]:
        return {path.stem: _filled(path.read_text()) for path in sorted((folder / kind).glob("*.sql"))}

    return Schema(
        tables=(*files("types").values(), *_referenced_first(files("tables"))),
        code=tuple(files("functions").values()),
        views=(*files("views").values(), *files("triggers").values()),
        policies=files("policies"),
        grants=(folder / "grants.sql").read_text(),
    )


def create(connection: Connection, schema: Schema) -> None:
    """Create everything in an empty database."""
    _run(connection, schema.tables)
    for step in steps(connection, schema):
        step(connection)


def steps(connection: Connection, schema: Schema) -> list[Callable[[Connection], None]]:
    """What puts the functions, views, policies and grants in force, and records which schema the database has now.

    While requests are served each step is a transaction of its own: it locks one table or view, if any. To hold one and
    wait for another would be a deadlock with a request that has them the other way around. What a function's file no
    longer holds stays until a migration drops it: the version before may still call it.
    """
    tables = connection.scalars(text("SELECT DISTINCT tablename FROM pg_policies WHERE schemaname = 'hallpass'"))
    return [
        partial(_functions, schema=schema),
        *(partial(_run, scripts=(view,)) for view in schema.views),
        *(partial(_policies, table=t, script=schema.policies.get(t, "")) for t in sorted({*tables, *schema.policies})),
        partial(_run, scripts=(schema.grants,)),
        partial(_record, schema=schema),
    ]


def applied(connection: Connection) -> tuple[str, str] | None:
    """The checksums of the schema that a database has; None where it was never recorded."""
    if connection.scalar(text("SELECT to_regclass('hallpass.applied_schema')")) is None:
        return None
    row = connection.execute(text("SELECT tables, code FROM hallpass.applied_schema")).one_or_none()
    return None if row is None else (row.tables, row.code)


def _functions(connection: Connection, *, schema: Schema) -> None:
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")  # they call each other, and read the views
    _run(connection, schema.code)


def _policies(connection: Connection, *, table: str, script: str) -> None:
    existing = text(
        "SELECT format('DROP POLICY %I ON %I.%I;', policyname, schemaname, tablename) FROM pg_policies"
        " WHERE schemaname = 'hallpass' AND tablename = :table ORDER BY policyname"
    )
    _run(connection, (*connection.scalars(existing, {"table": table}), script))


def _record(connection: Connection, *, schema: Schema) -> None:
    tables, code = schema.checksums()
    connection.execute(text("DELETE FROM hallpass.applied_schema"))
    connection.execute(
        text("INSERT INTO hallpass.applied_schema (tables, code) VALUES (:tables, :code)"),
        {"tables": tables, "code": code},
    )


def statements(script: str) -> list[str]:
    """Split SQL at each semicolon that ends a line outside a $$ body: the driver takes one statement at a time."""
    found: list[str] = []
    lines: list[str] = []
    quoted = False
    for line in script.splitlines():
        if not lines and (not line.strip() or line.lstrip().startswith("--")):
            continue
        lines.append(line)
        quoted ^= line.count("$$") % 2 == 1
        if not quoted and line.split("--")[0].rstrip().endswith(";"):
            found.append("\n".join(lines))
            lines = []
    if lines:
        raise ValueError(f"The statement does not end with a semicolon: {lines[0]}")
    return found


def _run(connection: Connection, scripts: tuple[str, ...]) -> None:
    for script in scripts:
        for statement in statements(script):
            connection.exec_driver_sql(statement)


def _filled(script: str) -> str:
    """The script with each list of types, such as `{directory_types}`, replaced by names, quoted and sorted.

    `{part2_rows}`: the rows of the table of jurisdictions that are about 42 CFR Part 2, as SQL values.
    """
    lists = {
        "directory_types": [t.name for t in REGISTRY if t.visibility is Visibility.DIRECTORY],
        "party_written_types": [t.name for t in REGISTRY if t.party_writes],
        "referred_types": [t.name for t in REGISTRY if t.by_referrers],
        "live_types": [t.name for t in REGISTRY if t.party_writes or t.by_referrers],
    }
    for name, types in lists.items():
        script = script.replace(f"{{{name}}}", ", ".join(f"'{t}'" for t in sorted(types)))
    script = script.replace("{open_to_claim}", str(OPEN_TO_CLAIM)).replace("{seen_by_parties}", str(SEEN_BY_PARTIES))
    return script.replace("{part2_rows}", ", ".join(_part2_rows()))


def _part2_rows() -> list[str]:
    """State, age, first day and the day after the last."""

    def day(value: date | None) -> str:
        return f"'{value}'::date" if value else "NULL::date"

    return [f"('{r.jurisdiction}', {r.age}, {day(r.since)}, {day(r.until)})" for r in ROWS if PART2 in r.labels]


def _referenced_first(tables: dict[str, str]) -> list[str]:
    """Each table after those that its foreign keys refer to."""
    order = TopologicalSorter({n: re.findall(r"REFERENCES hallpass\.(\w+)", script) for n, script in tables.items()})
    return [tables[name] for name in order.static_order()]


def _checksum(scripts: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(scripts).encode()).hexdigest()
