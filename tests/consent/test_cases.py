"""Every decision case of cases/*.yaml, asked of decide(), of PostgreSQL, by read and by search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import groupby

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests.consent.asking import ABSENT, answers
from tests.consent.language import Case, Expectation, every_case
from tests.consent.network import Network, open_network
from tests.consent.stage import Stage


@pytest_asyncio.fixture(scope="module")
async def network(db: Database) -> AsyncIterator[Network]:
    """The organizations, once for all cases."""
    async with open_network(db) as found:
        yield found


@pytest.mark.parametrize("case", every_case())
async def test_what_each_caller_sees(network: Network, case: Case) -> None:
    """All four ways of asking answer what the case says."""
    stage = Stage(network, case.written)
    await stage.set_up(case)
    wrong = await _ask(stage, case.then, case.written)
    for step in case.later:
        at = step.at or case.written
        stage.written = at
        await network.set_clock(datetime.fromisoformat(at))
        for name, delta in step.change.items():
            await stage.change(name, delta)
        wrong += await _ask(stage, step.then, at)
    await stage.clear()
    assert wrong == []


async def _ask(stage: Stage, lines: tuple[Expectation, ...], at: str) -> list[str]:
    """The lines that are not so, with what each way of asking says."""
    wrong = []
    for moment, asked in groupby(lines, lambda line: line.at or datetime.fromisoformat(at)):
        questions = list(asked)
        for question, found in zip(questions, await answers(stage, questions, moment), strict=True):
            if any(not _as_expected(question, said) for said in found.values()):
                wrong.append(f"{question.line}: {found}")
    return wrong


def _as_expected(asked: Expectation, said: str) -> bool:
    if not asked.sees:
        return said == ABSENT
    return said == asked.basis if asked.basis else said != ABSENT and " " not in said
