"""One precomputed pair of worlds for a module's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import URL

from assurance.noninterference.pair import Pair, open_pair
from assurance.noninterference.prover import Prover

SHARE = 6
"""`make prove` asks all."""


@pytest_asyncio.fixture(scope="module")
async def pair(server: URL, template: URL) -> AsyncIterator[Pair]:
    """Two worlds with nothing in them yet."""
    async with open_pair(server, template) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def prover(pair: Pair) -> Prover:
    """A prover whose worlds are precomputed."""
    found = Prover(pair, seed=1, shrinking=False)
    found.asks.queries.share = SHARE
    await found.settle()
    return found
