"""The feed test: `python -m assurance.feed --rounds 1000`."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from app.db import embedded
from app.db.engine import Database
from app.db.migrate import migrate
from assurance.feed.rounds import open_rounds
from tests.world import open_world


def main(
    rounds: Annotated[int, typer.Option(help="How many rounds.")] = 100,
    seed: Annotated[int | None, typer.Option(help="Of the random choices.")] = None,
) -> None:
    """Write, release and withdraw while several follow, and hold what they have against what they may see."""
    asyncio.run(_run(rounds, random.randrange(1 << 30) if seed is None else seed))


async def _run(rounds: int, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="hallpass-feed-") as home:
        url = embedded.start(Path(home))
        await migrate(url, create=True)
        began = time.monotonic()
        done = 0
        while done < rounds:
            done += await _some(Database(url), min(50, rounds - done), seed + done)
            print(f"{done} rounds, nothing lost, {time.monotonic() - began:.0f} s (seed {seed})", flush=True)


async def _some(database: Database, rounds: int, seed: int) -> int:
    """As many rounds with one network."""
    async with open_world(database) as world:
        found = await open_rounds(world, seed)
        for _ in range(rounds):
            await found.run()
    return rounds


if __name__ == "__main__":
    typer.run(main)
