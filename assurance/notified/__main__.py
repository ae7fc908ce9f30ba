"""The long form: `python -m assurance.notified --referrals 1000 --failures 200`."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import Annotated

import typer

from app import keyring
from assurance.notified.chaos import open_chaos
from tests.running import network_of, serving


def main(
    referrals: Annotated[int, typer.Option(help="How many referrals.")] = 1000,
    failures: Annotated[int, typer.Option(help="How many failures, spread over them.")] = 200,
    seed: Annotated[int | None, typer.Option(help="Of the random choices.")] = None,
) -> None:
    """File referrals while everything fails at random, and hold what the subscriber got against what it may see."""
    chosen = random.randrange(1 << 30) if seed is None else seed
    os.environ.setdefault("HALLPASS_KEY", keyring.new())
    began = time.monotonic()
    with serving(alone=True, HALLPASS_WORKER="true", HALLPASS_ALLOW_HTTP_ENDPOINTS="true") as running:
        print(asyncio.run(_run(running, referrals, failures, chosen)))
    print(f"nothing lost, {time.monotonic() - began:.0f} s (seed {chosen})")


async def _run(running: object, referrals: int, failures: int, seed: int) -> str:
    async with network_of(running) as world, open_chaos(running, world, seed) as chaos:  # type: ignore[arg-type]
        await chaos.run(referrals, failures)
        told = len(chaos.endpoint.of("event-notification"))
        return f"{referrals} referrals, {chaos.failures}, {told} notifications, {chaos.sendings} sendings on the ledger"


if __name__ == "__main__":
    typer.run(main)
