"""The database's schema as schema/ says it: one object per file, applied in the order of their dependencies.

Tables and types are created once; migrations alter them. Functions, views, grants and policies are applied again
whenever one of them changes. docs/decisions/0021-one-schema.md says why.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from sqlalchemy import Connection, text

from app.resources import REGISTRY, Reach

FOLDER = Path(__file__).resolve().parents[2] / "schema"


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database of this version is made of: SQL files, each as its text."""

    tables: tuple[str, ...]
    """Types and tables with their indexes; only ever applied to an empty database."""
    code: tuple[str, ...]
    """Functions, views, triggers, grants."""
    policies: tuple[str, ...]
    seed: str
    """The rows that a new database starts with."""

    def checksums(self) -> tuple[str, str]:
        """Of the tables, and of all that is applied again when it changes."""
        return _checksum(self.tables), _checksum(self.code + self.policies)


def load(folder: Path = FOLDER) -> Schema:
    """Read a schema folder, with the lists of types filled in from the registry (app/resources)."""

    def files(kind: str) -> dict[str, str]:
        return {path.stem: _filled(path.read_text()) for path in sorted((folder / kind).glob("*.sql"))}

    return Schema(
        tables=(*files("types").values(), *_referenced_first(files("tables"))),
        code=(
            *(script for kind in ("functions", "views", "triggers") for script in files(kind).values()),
            _filled((folder / "grants.sql").read_text()),
        ),
        policies=tuple(files("policies").values()),
        seed=(folder / "seed.sql").read_text(),
    )


def create(connection: Connection, schema: Schema) -> None:
    """Create the types and tables in an empty database."""
    _run(connection, schema.tables)


def apply(connection: Connection, schema: Schema) -> None:
    """Put the functions, views, grants and policies in force, and record which schema the database has now.

    What a function's file no longer holds stays until a migration drops it: the version before may still call it.
    """
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")  # functions call each other
    _run(connection, schema.code)
    # Last, since it locks the tables: from here to the commit is the shortest time that requests wait.
    dropped = text("SELECT format('DROP POLICY %I ON %I.%I', policyname, schemaname, tablename) FROM pg_policies"
                   " WHERE schemaname = 'hallpass' ORDER BY tablename, policyname")  # fmt: skip
    _run(connection, tuple(f"{statement};" for statement in connection.scalars(dropped)))
    _run(connection, schema.policies)
    tables, code = schema.checksums()
    connection.execute(text("DELETE FROM hallpass.applied_schema"))
    connection.execute(
        text("INSERT INTO hallpass.applied_schema (tables, code) VALUES (:tables, :code)"),
        {"tables": tables, "code": code},
    )


def seed(connection: Connection, schema: Schema) -> None:
    """Insert the rows that a new database starts with."""
    _run(connection, (schema.seed,))


def applied(connection: Connection) -> tuple[str, str] | None:
    """The checksums of the schema that a database has; None where it was never recorded."""
    if connection.scalar(text("SELECT to_regclass('hallpass.applied_schema')")) is None:
        return None
    row = connection.execute(text("SELECT tables, code FROM hallpass.applied_schema")).one_or_none()
    return None if row is None else (row.tables, row.code)


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
    """The script with `{directory_types}` and `{party_written_types}` replaced by names, quoted and sorted."""
    lists = {
        "directory_types": [t.name for t in REGISTRY if t.reach is Reach.DIRECTORY],
        "party_written_types": [t.name for t in REGISTRY if t.party_writes],
    }
    for name, types in lists.items():
        script = script.replace(f"{{{name}}}", ", ".join(f"'{t}'" for t in sorted(types)))
    return script


def _referenced_first(tables: dict[str, str]) -> list[str]:
    """Each table after those that its foreign keys refer to."""
    order = TopologicalSorter({n: re.findall(r"REFERENCES hallpass\.(\w+)", script) for n, script in tables.items()})
    return [tables[name] for name in order.static_order()]


def _checksum(scripts: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(scripts).encode()).hexdigest()
