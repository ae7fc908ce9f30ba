"""`hallpass testbed`: a sandbox with made-up students, beside real members. docs/guides/network.md"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import httpx
import typer

from app.console import plainly
from app.demo import testbed as sandbox
from app.demo.api import Unexpected
from app.demo.members import Member
from app.settings import Settings, load
from app.terminal import stop

testbed = typer.Typer(help="A sandbox with made-up students, for who tests a client.", no_args_is_help=True)

Keys = Annotated[Path, typer.Argument(help="A folder for the private keys of its two clients.")]
Students = Annotated[int, typer.Option(min=10, max=10_000, help="How many students its district has.")]


@testbed.command("seed")
def seed(keys: Keys, students: Students = 40) -> None:
    """Make the sandbox on the running server, or finish it, and print its clients."""
    _print(sandbox.seed, keys, students)


@testbed.command("reset")
def reset(keys: Keys, students: Students = 40) -> None:
    """Begin again: the sandbox's members leave, their keys and tokens end, and new ones come, with new records."""
    _print(sandbox.reset, keys, students)


def _print(work: Callable[[Settings, Path, int], list[Member]], keys: Path, students: int) -> None:
    with plainly():
        settings = load()
        try:
            members = work(settings, keys, students)
        except (Unexpected, httpx.HTTPError) as e:
            stop(f"the sandbox could not be filled: {e}. Start `hallpass serve` first, then run this again.")
        for member in members:
            typer.echo(f"{member.part.client}  Organization/{member.organization}  {member.key}  {member.name}")
