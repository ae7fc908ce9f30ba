"""Runs a file of SQL in a migration, statement by statement, since the driver takes one at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run(name: str) -> None:
    """Execute migrations/sql/`name`."""
    for statement in statements((Path(__file__).parent / "sql" / name).read_text()):
        op.get_bind().exec_driver_sql(statement)


def statements(script: str) -> list[str]:
    """Split at each semicolon that ends a line, outside $$ bodies."""
    found: list[str] = []
    lines: list[str] = []
    quoted = False
    for line in script.splitlines():
        if not lines and (not line.strip() or line.lstrip().startswith("--")):
            continue
        lines.append(line)
        quoted ^= line.count("$$") % 2 == 1
        code = line.split("--")[0].rstrip()
        if not quoted and code.endswith(";"):
            found.append("\n".join(lines))
            lines = []
    if lines:
        raise ValueError(f"unfinished statement: {lines[0]}")
    return found
