"""The prover finds each planted leak within its normal run, and nothing where nothing is planted."""

from __future__ import annotations

import pytest
import pytest_asyncio

from assurance.noninterference.leaks import LEAKS, open_policy, policy_of, prepare
from assurance.noninterference.pair import Pair
from assurance.noninterference.prover import Prover, Report

NORMAL = 300
"""The sequences of a normal run."""


@pytest_asyncio.fixture(scope="module")
async def ready(pair: Pair, prover: Prover) -> Prover:
    """A prover over worlds with the views that leaks are planted by."""
    await prepare(pair)
    return prover


@pytest.mark.parametrize("name", LEAKS)
async def test_it_finds(ready: Prover, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each leak, planted alone, tells the worlds apart before a normal run is over."""
    LEAKS[name](monkeypatch)
    ready.report = Report()
    report = await ready.run(NORMAL)
    assert report.found is not None


async def test_it_finds_a_policy_that_lets_everything_through(pair: Pair, ready: Prover) -> None:
    """Without row-level security the first wall alone is not enough, and that is seen."""
    before = await policy_of(pair)
    await open_policy(pair, "true")
    try:
        ready.report = Report()
        assert (await ready.run(NORMAL)).found is not None
    finally:
        await open_policy(pair, before)


async def test_without_a_leak_it_finds_nothing_in_the_same_worlds(ready: Prover) -> None:
    """The views and policies of these tests alone make no difference."""
    ready.report = Report()
    report = await ready.run(25)
    assert report.found is None, str(report.found)
