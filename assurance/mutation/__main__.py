"""Mutants of the access service: `python -m assurance.mutation [PATTERNS]`, or `make mutate-exchange`.

A pattern is of a function, as `reads.*` or `AccessService.read`. One database server outlives the sessions, and each
test module copies a database. What is found stays in mutants-exchange/, and a run goes on from there; delete it to
begin again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db import embedded
from app.db.migrate import migrate
from assurance.mutation import mutants
from assurance.mutation.notes import NOTES, Notes
from assurance.mutation.table import tell

HERE = Path("mutants-exchange")
TEMPLATE = "hallpass_mutants"
FORGETFUL = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""What a server does without whose data nobody will miss."""
ROUNDS = (("first", "1"), ("all", "1"), ("all", "120"))
"""Which tests, and seconds of the longest: most mutants are killed by a short test that is made for their module."""


def main(patterns: list[str]) -> None:
    """Run the mutants that fit a pattern, or all, and tell which survive; exit with 1 where one does unexplained."""
    HERE.mkdir(exist_ok=True)
    mutants.make(HERE)
    server = embedded.start(HERE.resolve())
    asyncio.run(_prepare(server))
    env = {
        **os.environ,
        "DATABASE_URL": server.render_as_string(hide_password=False),
        "DATABASE_TEMPLATE": TEMPLATE,
        "PROVE_EXAMPLES": "4",
    }
    for which, seconds in ROUNDS:
        command = [sys.executable, "-m", "assurance.mutation.session", which, seconds, *patterns]
        subprocess.run(command, cwd=HERE, env=env, check=False)
    sys.exit(tell(mutants.load(HERE, patterns), Notes(HERE / NOTES, mutants.made_of(HERE))))


async def _prepare(server: URL) -> None:
    """Make the template of this version, on a server that writes nothing to the disk before it must."""
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for setting in FORGETFUL:
            await connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        await connection.execute(text("SELECT pg_reload_conf()"))
        await connection.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
    await engine.dispose()
    await migrate(server.set(database=TEMPLATE), create=True)


if __name__ == "__main__":
    main(sys.argv[1:])
