"""Mutants of the gate: `python -m tests.mutate`, or `make mutate-gate`.

mutmut reads one configuration of a folder, and pyproject.toml's is that of the pure modules; so this makes another one
with [tool.mutmut-gate] in its place. One database server outlives all mutants, and each test module copies a database.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.store import embedded
from app.store.migrate import migrate

HERE = Path("mutants-gate")
TEMPLATE = "hallpass_mutants"
FORGETFUL = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""What a server does without whose data nobody will miss."""


def main() -> None:
    """Run the mutants that are named, or all that have not run, and tell which survive."""
    for name in ("app", "migrations", "tests"):
        shutil.copytree(name, HERE / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    settings = Path("pyproject.toml").read_text()
    settings = settings.replace("[tool.mutmut]", "[tool.mutmut-rule]").replace("[tool.mutmut-gate]", "[tool.mutmut]")
    (HERE / "pyproject.toml").write_text(settings)
    server = embedded.start(HERE.resolve())
    asyncio.run(_prepare(server))
    mutmut = Path(sys.executable).with_name("mutmut")
    env = {
        **os.environ,
        "DATABASE_URL": server.render_as_string(hide_password=False),
        "DATABASE_TEMPLATE": TEMPLATE,
        "MUTANT_KILLS": str(HERE.resolve() / "kills.txt"),
        "PATH": f"{mutmut.parent}:{os.environ['PATH']}",
    }
    done = subprocess.run([mutmut, "run", *sys.argv[1:]], cwd=HERE, env=env, check=False)
    subprocess.run([mutmut, "results"], cwd=HERE, env=env, check=True)
    sys.exit(done.returncode)


async def _prepare(server: URL) -> None:
    """Make the template of this version, on a server that writes nothing to the disk before it must."""
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for setting in FORGETFUL:
            await connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        await connection.execute(text("SELECT pg_reload_conf()"))
        await connection.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
    await engine.dispose()
    await migrate(server.set(database=TEMPLATE))


if __name__ == "__main__":
    main()
