"""`python -m assurance.noninterference --examples n`: answers do not depend on what the caller may not see."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from uuid import uuid4

import uvloop
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db import embedded
from app.db.address import owner_url
from app.db.migrate import migrate
from assurance.noninterference.pair import open_pair
from assurance.noninterference.prover import Prover, Report

WORLDS_EVERY = 1000
"""Sequences over one pair of worlds, before other ones are made."""


def main() -> None:
    """Run, tell, and exit 1 if the worlds could be told apart."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="sequences to run")
    parser.add_argument("--seed", type=int, default=1, help="where the random draws start")
    chosen = parser.parse_args()
    sys.exit(uvloop.run(prove(chosen.examples, chosen.seed)))


async def prove(examples: int, seed: int) -> int:
    """Run `examples` sequences, over new worlds now and then."""
    if url := os.environ.get("DATABASE_URL"):
        server = owner_url(url)
    else:
        server = embedded.start(Path(os.environ.get("TMPDIR", "/tmp")) / f"hallpass-prove-{os.getuid()}")
    template = server.set(database=f"hallpass_prove_{uuid4().hex[:12]}")
    await migrate(template, create=True)
    started, done, asked = time.monotonic(), 0, 0
    try:
        while done < examples:
            async with open_pair(server, template) as pair:
                prover = Prover(pair, seed)
                await prover.settle()
                report = await prover.run(min(WORLDS_EVERY, examples - done))
            done, asked, seed = done + report.sequences, asked + report.asked, seed + 1
            tell(report, done, asked, time.monotonic() - started)
            if report.found:
                return 1
    finally:
        await drop(server, template)
    return 0


def tell(report: Report, sequences: int, asked: int, seconds: float) -> None:
    """Print what the run came to so far."""
    print(f"{sequences} sequences, {asked} of the caller's requests, {seconds:.0f} s", flush=True)
    print("  answers:", dict(sorted(report.answers.items())))
    print("  others:", dict(sorted(report.others.items())))
    if report.missing:
        print("  never understood:", *report.missing, sep="\n    ")
    if report.found:
        print(report.found)


async def drop(server: URL, url: URL) -> None:
    """Drop a database."""
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f'DROP DATABASE "{url.database}" WITH (FORCE)'))
    await engine.dispose()


if __name__ == "__main__":
    main()
