"""The drill of failing over: `python -m assurance.ha --rounds 12`, or `make ha ROUNDS=12`.

It needs etcd on the PATH (Debian's etcd-server), and what `pip install hallpass[ha]` brings. As root it runs in a name
space of its own, with processes that end with it.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from assurance.chaos.__main__ import APART, INSIDE
from assurance.ha.rounds import running


def main(
    rounds: Annotated[int, typer.Option(help="How many faults: six draw each once.")] = 6,
    seconds: Annotated[float, typer.Option(help="End after this time even so.")] = 3_300,
    processes: Annotated[int, typer.Option(help="API processes.")] = 2,
    seed: Annotated[int | None, typer.Option(help="Of the random choices.")] = None,
    only: Annotated[str | None, typer.Option(help="This fault alone, as the report names it.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the folder with the logs.")] = False,
) -> None:
    """Let the primary, its host, a standby and etcd fail under load; what clients got is held against the database."""
    if os.geteuid() == 0 and INSIDE not in os.environ:
        command = (*APART, "bash", "-c", '"$@"; exit $?', "ha", sys.executable, "-m", "assurance.ha", *sys.argv[1:])
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})  # noqa: S606 - a program of our own choice
    seed = random.randrange(1 << 30) if seed is None else seed
    home = Path(tempfile.mkdtemp(prefix="hallpass-ha-"))
    try:
        asyncio.run(_run(home, rounds, seconds, processes, seed, only))
    finally:
        if keep:
            print(f"the logs are in {home}", file=sys.stderr)
        else:
            shutil.rmtree(home, ignore_errors=True)


async def _run(home: Path, rounds: int, seconds: float, processes: int, seed: int, only: str | None) -> None:
    async with running(home, processes, seed) as found:
        found.only = only
        done = await found.run(rounds, seconds)
        print(f"{done} rounds, nothing lost (seed {seed})\n{found.report()}")


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    command()
