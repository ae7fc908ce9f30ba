"""The kill test: `python -m assurance.chaos --rounds 1000`, or `make kill ROUNDS=1000`.

As root it runs in a namespace of its own, with mounts and processes that end with it; there the disk can be full.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from assurance.chaos.rounds import running

APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
INSIDE = "KILL_APART"


def main(
    rounds: Annotated[int, typer.Option(help="How many kills.")] = 100,
    seconds: Annotated[float, typer.Option(help="End after this time even so.")] = 86_400,
    processes: Annotated[int, typer.Option(help="API processes.")] = 3,
    seed: Annotated[int | None, typer.Option(help="Of the random choices.")] = None,
) -> None:
    """Kill the API and its database at random moments, and hold what clients got against the ledger."""
    if os.geteuid() == 0 and INSIDE not in os.environ:
        # The first process of the namespace takes in those whose parents were killed.
        command = (
            *APART,
            "bash",
            "-c",
            '"$@"; exit $?',
            "kill",
            sys.executable,
            "-m",
            "assurance.chaos",
            *sys.argv[1:],
        )
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})  # noqa: S606 - a program of our own choice
    asyncio.run(_run(rounds, seconds, processes, random.randrange(1 << 30) if seed is None else seed))


async def _run(rounds: int, seconds: float, processes: int, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="hallpass-kill-") as home:
        async with running(Path(home), processes, seed) as found:
            done = await found.run(rounds, seconds)
            disk = "" if found.postgres.can_be_full else "; no file system could be mounted to be full"
            print(f"{done} rounds, nothing missing (seed {seed}{disk})\n{found.report()}")


if __name__ == "__main__":
    typer.run(main)
