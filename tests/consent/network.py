"""The organizations of the decision cases over one real application, with a clock that a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.consent.codes import HONOR_EXTENSION
from app.db.engine import Database
from tests.consent.language import NOW, load
from tests.consent.organizations import Organizations
from tests.world import EVERYTHING, Member, World, open_world

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""When the network's agreements were made."""
CLOCK = (
    "CREATE TABLE public.test_clock (at timestamptz NOT NULL)",
    "GRANT SELECT ON public.test_clock TO PUBLIC",
    f"INSERT INTO public.test_clock VALUES ('{NOW}')",
    "CREATE OR REPLACE FUNCTION hallpass.statement_time() RETURNS timestamptz LANGUAGE sql STABLE"
    " AS $$ SELECT at FROM public.test_clock $$",
    "CREATE OR REPLACE FUNCTION hallpass.stamp() RETURNS timestamptz LANGUAGE plpgsql"
    " AS $$ BEGIN RETURN (SELECT at FROM public.test_clock); END $$",
)


async def stop_the_clock(owner: URL) -> None:
    """Replace the database's clock, in this test's database, by a table that the test writes."""
    engine = create_async_engine(owner)
    async with engine.begin() as connection:
        for statement in CLOCK:
            await connection.execute(text(statement))
    await engine.dispose()


@dataclass(kw_only=True)
class Network(Organizations):
    """The members, over one application and its database."""

    world: World
    owner: AsyncConnection
    absent: dict[str, bytes] = field(default_factory=dict)
    """By resource type: the body of the 404 for an id that nothing has."""
    _at: datetime | None = None
    _tokens: dict[tuple[str, tuple[str, ...]], Member] = field(default_factory=dict)

    async def caller(self, name: str, purposes: tuple[str, ...]) -> Member:
        """A member with a token for these purposes."""
        key = (name, purposes)
        if key not in self._tokens:
            found = replace(self.members[name], headers={})
            await self.world.login(found, EVERYTHING, purpose_of_use=" ".join(purposes))
            self._tokens[key] = found
        return self._tokens[key]

    async def set_clock(self, at: datetime) -> None:
        """What the database's clock shows from now on."""
        if at != self._at:
            await self.owner.execute(text("UPDATE public.test_clock SET at = :at"), {"at": at})
            await self.owner.commit()
            self._at = at

    async def confirm(
        self, by: str, path: str, _content: dict[str, Any], _at: datetime, *, refused: bool
    ) -> dict[str, Any]:
        """A release as its custodian's confirmation leaves it, without what the server sets."""
        who = {"resourceType": "Parameters", "parameter": [{"name": "by", "valueString": "The registrar"}]}
        response = await self.members[by].post(f"/{path}/$confirm", who)
        assert response.status_code in ((409, 422) if refused else (200,)), response.text
        return {k: v for k, v in response.json().items() if k not in ("id", "meta")}

    async def forget(self, agreement: UUID) -> None:
        """Take away what an agreement was, as it would bear on other cases."""
        await self.owner.execute(text("DELETE FROM hallpass.agreement WHERE id = :id"), {"id": agreement})
        await self.owner.commit()

    async def add(self, name: str, spec: dict[str, Any], purposes: tuple[str, ...]) -> None:
        """Found an organization with a client."""
        part_of = self.id(spec["part_of"]) if "part_of" in spec else None
        placed = {"part_of": part_of, "zone": spec["zone"], "state": spec.get("state")}
        member = await self.world.member(name, purposes=purposes, **placed)
        self.place(name, member, spec)
        if "classes" in spec:
            await self.world.operator.edit_organization(member.organization, classes=spec["classes"])
        if spec.get("honor"):
            found = (await member.get(f"/Organization/{member.organization}")).json()
            found["extension"].append({"url": HONOR_EXTENSION, "valueBoolean": True})
            await member.save({k: v for k, v in found.items() if k != "meta"})

    async def agree(self, discloser: str, recipient: str) -> None:
        """An agreement, one way, for always."""
        await self.world.agree(self.members[discloser], self.members[recipient], both_ways=False)
        self.agreed(discloser, recipient)


@asynccontextmanager
async def open_network(db: Database, only: frozenset[str] | set[str] = frozenset()) -> AsyncIterator[Network]:
    """The network of cases/network.yaml, or some of it, its clock stopped at the cases' usual moment."""
    await stop_the_clock(db.owner)
    engine = create_async_engine(db.owner)
    async with open_world(db, token_seconds=3600) as world, engine.connect() as owner:
        network = Network(world=world, owner=owner)
        told = load("network.yaml")
        for name, spec in told["organizations"].items():
            if not only or name in only:
                await network.add(name, spec, tuple(told["purposes"]))
        await network.set_clock(LONG_AGO)
        for discloser, recipient in told["agreements"]:
            if {discloser, recipient} <= network.members.keys():
                await network.agree(discloser, recipient)
        await network.set_clock(datetime.fromisoformat(NOW))
        yield network
    await engine.dispose()


def unused_id() -> str:
    """An id that nothing has."""
    return str(uuid4())
