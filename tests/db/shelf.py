"""A few resources of two organizations in a real database, and searches over them as one of the two."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import URL, func, insert, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, Executable

from app.db import search_queries
from app.db.bodies import UNBOUNDED
from app.db.caller import set_caller
from app.db.driver import PreparedQuery, fetch
from app.db.engine import Database
from app.db.include import included
from app.db.rows import Stored
from app.db.tables import access, client, organization, resource, tree, validity
from app.db.terms_tables import term_rows
from app.resources import TYPES, Visibility
from app.search.cursor import Cursor, unpack
from app.search.query import Search
from tests.search.support import index, search

SPACE = UUID("6f1c9f0e-0000-4000-8000-000000000000")
EPOCH = datetime(2024, 1, 1, 12, tzinfo=UTC)


def uid(name: str) -> UUID:
    """The id that a name stands for."""
    return uuid5(SPACE, name)


def ref(kind: str, name: str) -> dict[str, str]:
    """A reference to a named resource."""
    return {"reference": f"{kind}/{uid(name)}"}


class _Explained(Executable, ClauseElement):
    """A statement that is explained instead of run. https://www.postgresql.org/docs/18/sql-explain.html"""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(_Explained)
def _explain(explained: _Explained, compiler: Any, **kwargs: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(explained.statement, **kwargs)}"


class Shelf:
    """Puts resources in as the owner of the tables, and searches as the app's role."""

    def __init__(self, owner: URL, db: Database) -> None:
        self._owner = owner
        self._db = db
        self._names: dict[UUID, str] = {}

    async def open(self, *organizations: str) -> None:
        """Organizations of the network, each with a client of its name."""
        async with self._as_owner() as connection:
            for name in organizations:
                row = {"id": uid(name), "ancestors": [uid(name)], "zone": "America/New_York", "honor": False}
                await connection.execute(insert(organization).values(row))
                await connection.execute(insert(tree).values(ancestor=uid(name), id=uid(name)))
                await connection.execute(
                    insert(client).values(
                        id=name, organization=uid(name), name=name, scopes=[], purposes=[], jwks={"keys": []}
                    )
                )

    @asynccontextmanager
    async def _as_owner(self) -> AsyncIterator[AsyncConnection]:
        engine = create_async_engine(self._owner)
        async with engine.begin() as connection:
            yield connection
        await engine.dispose()

    async def put_all(self, custodian: str, contents: dict[str, tuple[dict[str, Any], str | None]]) -> None:
        """Current resources (content and student) by name, with their index rows; each a minute newer than the last."""
        async with self._as_owner() as connection:
            for name, (content, student) in contents.items():
                await self._put(connection, custodian, name, content, student)

    async def _put(
        self, connection: AsyncConnection, custodian: str, name: str, content: dict[str, Any], student: str | None
    ) -> None:
        declared = TYPES[content["resourceType"]]
        compartment = uid(student) if student else uid(name)
        body = {"id": str(uid(name)), **content}
        row = Stored(
            compartment, uid(name), 1, declared.name, uid(custodian), uid(student) if student else None,
            declared.visibility is Visibility.DIRECTORY, True, False, EPOCH + timedelta(minutes=len(self._names)),
            "POST",
            json.dumps(body).encode(), 0, b"",
        )  # fmt: skip
        attributes = {n: [] for n in ("profiles", "codes", "labels", "parties", "refs", "authors")}
        await connection.execute(
            insert(resource).values(**row._asdict(), **attributes, confidentiality=3, clinical=Range(empty=True))
        )
        if not row.directory:
            await connection.execute(select(func.hallpass.index_records([compartment], [row.id])))
        for table, rows in term_rows(index(content), compartment, row.id, row.custodian, declared.name):
            await connection.execute(insert(table), rows)
        self._names[row.id] = name

    async def mislead(self, org: str, name: str, type_name: str, student: str) -> None:
        """A row of the access index that says too much, by a release that is none, of a record of the clinic's."""
        where = {
            "compartment": uid(student),
            "org": uid(org),
            "custodian": uid("clinic"),
            "consent": uid(f"none for {name}"),
        }
        always = {"since": EPOCH, "until": EPOCH + timedelta(days=36500)}
        root = {"root_since": EPOCH, "root_until": EPOCH + timedelta(days=36500)}
        async with self._as_owner() as connection:
            await connection.execute(
                insert(access).values(**where, id=uid(name), type=type_name, updated=EPOCH, precomputed=False)
            )
            await connection.execute(insert(validity).values(**where, **always, **root, version=1))

    @asynccontextmanager
    async def _changed(self, name: str, column: str, meanwhile: str, before: str) -> AsyncIterator[None]:
        for value, more in ((meanwhile, -1), (before, 1)):
            async with self._as_owner() as connection:
                where = f"WHERE id = '{uid(name)}'"
                await connection.execute(text(f"UPDATE hallpass.resource SET {column} = {value} {where}"))
                await connection.execute(
                    text(
                        f"INSERT INTO hallpass.custody_count SELECT custodian, type, {more}"
                        f" FROM hallpass.resource {where}"
                        " AND NOT directory"
                    )
                )
            if value == meanwhile:
                yield

    def deleted(self, name: str) -> AbstractAsyncContextManager[None]:
        """A resource whose current version is, meanwhile, a deletion; its search terms stay."""
        return self._changed(name, "deleted", "true", "false")

    def superseded(self, name: str) -> AbstractAsyncContextManager[None]:
        """A resource whose version is, meanwhile, not the current one; its search terms stay."""
        return self._changed(name, "current", "false", "true")

    async def rows(self, org: str, statement: Any, values: dict[str, Any] | None = None) -> list[Any]:
        """What a statement gives to the organization's client."""
        async with self._db.begin() as connection:
            entered = await set_caller(
                connection, client=org, token=org, organization=uid(org), purposes=[], emergency=False,
                agreement_required=False,
            )  # fmt: skip
            assert entered
            return list(await fetch(connection, statement, values))

    async def plan(self, statement: Any, values: dict[str, Any]) -> dict[str, Any]:
        """How PostgreSQL goes about a statement when it would rather not go row by row."""
        async with self._db.begin() as connection:
            await connection.execute(text("SET LOCAL enable_nestloop = off"))
            if isinstance(statement, PreparedQuery):
                statement, values = statement.for_sqlalchemy(values)
            (found,) = await connection.scalars(_Explained(statement), values)
            plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            return plan

    async def rows_as_owner(self, statement: Any, values: dict[str, Any]) -> list[Any]:
        """What a statement gives to the owner of the tables."""
        async with self._as_owner() as connection:
            return list(await fetch(connection, statement, values))

    async def names(self, org: str, type_name: str | None, query: str) -> list[str]:
        """The matches of a search, in their order; the total says the same."""
        wanted = search(type_name, query)
        rows = await self.rows(org, *search_queries.page(wanted, uid(org), None, 100))
        ((total,),) = await self.rows(org, *search_queries.total(wanted, uid(org)))
        assert total == len(rows)
        return [self._names[r.id] for r in rows]

    async def page(self, org: str, wanted: Search, after: Cursor | None, limit: int) -> list[Any]:
        """The rows of one page and one more, as the statement gives them; the cursor goes through its text."""
        cursor = unpack(after.pack(), wanted) if after else None
        return await self.rows(org, *search_queries.page(wanted, uid(org), cursor, limit))

    async def brought(self, org: str, type_name: str, query: str, *, rounds: int = 1) -> set[str]:
        """What the includes of a search bring."""
        wanted = search(type_name, query)
        sources = [Stored(*r[: len(Stored._fields)]) for r in await self.page(org, wanted, None, 100)]
        known = {r.id for r in sources}
        found: set[str] = set()
        for n in range(rounds):
            includes = [i for i in wanted.includes if n == 0 or i.iterate]
            ask = included(includes, sources, known, 100, UNBOUNDED)
            sources = [Stored(*r) for r in await self.rows(org, *ask)] if ask is not None else []
            known |= {r.id for r in sources}
            found |= {self._names[r.id] for r in sources}
        return found

    def name_of(self, row: Any) -> str:
        """The name of a row's resource."""
        return self._names[row.id]
