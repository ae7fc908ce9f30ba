"""What a student takes on disk, table by table, with guardians, schools and enrollment. `python -m bench.disk`"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import asyncpg

from app.intake.edfi.generate import generate
from bench.roster import imported
from bench.serving import product
from bench.stage import stage

STUDENTS = 3_000
_SIZES = """
    SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes FROM pg_class c
    WHERE c.relnamespace = 'hallpass'::regnamespace AND c.relkind = 'r' ORDER BY 1
"""


def disk(students: int = STUDENTS) -> list[tuple[str, float]]:
    """Bytes for each student by table, the most first, and how many records a student is."""
    with stage(1, 1) as there, tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        generate(folder / "roster", students)
        before = asyncio.run(_sizes(there.dsn))
        with product(there, own_address=True) as server:
            records = imported(there, folder, server.url).records
        after = asyncio.run(_sizes(there.dsn))
    grown = {name: (size - before.get(name, 0)) / students for name, size in after.items()}
    rows = sorted(grown.items(), key=lambda row: -row[1])
    return [("records", records / students), ("all", sum(grown.values())), *(r for r in rows if r[1] >= 1)]


async def _sizes(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM")
        return {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    finally:
        await connection.close()


if __name__ == "__main__":
    for what, found in disk(int(sys.argv[1]) if len(sys.argv) > 1 else STUDENTS):
        sys.stdout.write(f"{what}: {found:,.1f}\n")
