"""One settled pair of worlds for a module's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import URL

from tests.prove.pair import Pair, open_pair
from tests.prove.prover import Prover


@pytest_asyncio.fixture(scope="module")
async def pair(server: URL, template: URL) -> AsyncIterator[Pair]:
    """Two worlds with nothing in them yet."""
    async with open_pair(server, template) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def prover(pair: Pair) -> Prover:
    """A prover whose worlds are settled."""
    found = Prover(pair, seed=1, shrinking=False)
    await found.settle()
    return found
