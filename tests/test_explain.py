"""Every search parameter is served by indexes: no plan of a page, a total, an order or a chain reads a whole table.

bench/explain.py does the same with a million resources, and looks at costs as well.
"""

from __future__ import annotations

import pytest_asyncio
from sqlalchemy import URL, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.caller import set_caller
from app.db.engine import Database
from app.db.search_queries import BoundStatement
from app.db.tables import resource
from app.resources import REGISTRY
from app.search.parameters import PARAMETERS
from bench.explain import CALLERS, Run, asks, explain, growth, scans, told
from bench.rows import load_all

SIZE = 2_000
WHO = "district"


@pytest_asyncio.fixture(scope="module")
async def loaded(database: URL, db: Database) -> Database:
    """Some resources of every type."""
    await load_all(database, SIZE)
    return db


async def begin(connection: AsyncConnection) -> None:
    """Come as a district to a planner that reads a table from end to end only where it must."""
    await connection.execute(text("SET LOCAL enable_seqscan = off"))
    org = CALLERS[WHO]
    standing = await set_caller(
        connection, client=str(org), token="t", organization=org, purposes=[], emergency=False, agreement_required=False
    )
    assert standing is not None


async def test_no_statement_reads_a_whole_table(loaded: Database) -> None:
    runs: list[Run] = []
    async with loaded.begin() as connection:
        await begin(connection)
        for what, name, ask in asks(SIZE, CALLERS[WHO]):
            runs.append(await explain(connection, WHO, what, name, ask))
    assert scans(runs) == []
    pages = [r for r in runs if r.what == "page"]
    assert len(pages) == sum(len(PARAMETERS[t.name]) for t in REGISTRY)
    assert [r.name for r in pages if not r.rows] == []  # each was asked for a value that there is


async def test_a_statement_without_an_index_is_found(loaded: Database) -> None:
    whole = BoundStatement(select(resource.c.id).where(func.length(resource.c.body) > 3), {})
    async with loaded.begin() as connection:
        await begin(connection)
        run = await explain(connection, WHO, "page", "Patient?body", whole)
    assert scans([run]) == ["district: the page of Patient?body reads all of resource"]


def test_a_cost_that_grows_with_what_is_hidden_is_found() -> None:
    def run(who: str, blocks: int, name: str = "Task?status") -> Run:
        return Run(who, "page", name, 0, blocks, 0.0, ())

    assert growth([run("stranger", 10)], [run("stranger", 100)]) == []
    assert growth([run("stranger", 1_000)], [run("stranger", 10_000)]) != []
    assert growth([run("clinic", 1_000)], [run("clinic", 19_000)]) == []  # to look at each record takes as much
    assert growth([run("clinic", 5_000)], [run("clinic", 50_000)]) != []
    listed = "Location?status"
    assert growth([run("stranger", 1_000, listed)], [run("stranger", 10_000, listed)]) == []


def test_what_is_not_as_it_should_be_is_counted_in_the_page_with_some_of_it() -> None:
    assert told([]) == ""
    page = told([f"statement {n}" for n in range(100)])
    assert "100 statements" in page
    assert page.count("- statement") == 5
