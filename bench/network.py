"""A made-up network for the measurements: one student's record written through the API, then copied in the database.

The copies differ in their ids, identifiers and times alone, so that each is what the server itself would have stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import URL

from tests import build
from tests.world import Member, World

TABLES = (
    "resource", "access", "student", "authority", "release", "provision",
    "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri",
)  # fmt: skip
RELEASED = ("release", "provision", "authority")
SAMPLE = "S-00000000"
NOTE = "Referred by the school counselor after a meeting with the family; attendance and sleep are a concern. " * 6


@dataclass
class Network:
    """The members, and the ids of the student that the copies are made from, by what they are."""

    district: Member
    clinic: Member
    nobody: Member
    """A member that is released nothing."""
    sample: dict[str, str]


async def members(world: World) -> Network:
    """A district, a clinic, a member that sees nothing, and one student's record released to the clinic."""
    district = await world.member("Grand Bend District")
    clinic = await world.member("Riverside Clinic")
    nobody = await world.member("Elsewhere Clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient(SAMPLE, address=[{"city": "Grand Bend", "postalCode": "48001"}]))
    mother = await district.create(build.guardian(student))
    referral = await district.create(
        build.referral(student, clinic.reference, note=[{"text": NOTE}], identifier=[ident("referral")])
    )
    visit = await district.create(build.encounter(student, identifier=[ident("visit")]))
    release = await district.create(
        build.consent(
            student, mother, district.reference, clinic.reference, classes=("Patient", "ServiceRequest", "Encounter")
        )
    )
    found = {"Patient": student, "RelatedPerson": mother, "ServiceRequest": referral, "Encounter": visit}
    return Network(district, clinic, nobody, {k: r["id"] for k, r in {**found, "Consent": release}.items()})


def ident(kind: str) -> dict[str, str]:
    """An identifier that is each copy's own."""
    return {"system": f"urn:bench:{kind}", "value": SAMPLE}


def copy_id(own: str, number: int) -> UUID:
    """The id of a copy of a resource; as `copied` makes it in the database."""
    return UUID(hashlib.md5(f"{own}/{number}".encode(), usedforsecurity=False).hexdigest())


async def copies(url: URL, network: Network, first: int, last: int, *, released: bool, types: tuple[str, ...]) -> None:
    """Copy the sample student `first` to `last`: these types of resource, with the release or without."""
    raw = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        for table in TABLES:
            if released or table not in RELEASED:
                await _copy_table(raw, table, network, first, last, released, types)
    finally:
        await raw.close()


async def _copy_table(
    raw: Any, table: str, network: Network, first: int, last: int, released: bool, types: tuple[str, ...]
) -> None:
    columns = await raw.fetch(
        "SELECT column_name AS name, format_type(a.atttypid, a.atttypmod) AS type FROM information_schema.columns c"
        " JOIN pg_attribute a ON a.attrelid = ('hallpass.' || c.table_name)::regclass AND a.attname = c.column_name"
        " WHERE table_schema = 'hallpass' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position",
        table,
    )
    names = ", ".join(c["name"] for c in columns)
    made = ", ".join(_expression(c["name"], c["type"], network) for c in columns)
    kept = ["t.shard = $1"]
    if any(c["name"] == "type" for c in columns):
        kept.append("t.type = ANY ($4)")
    if table == "access" and not released:
        kept.append(f"t.org = '{network.district.organization}'")
    await raw.execute("SET statement_timeout = 0")
    await raw.execute(
        f"INSERT INTO hallpass.{table} ({names}) SELECT {made} FROM hallpass.{table} t"
        f" CROSS JOIN generate_series($2::int, $3::int) AS g(copy) WHERE {' AND '.join(kept)}"
        + ("" if any(c["name"] == "type" for c in columns) else " AND ($4::text[] IS NOT NULL)"),
        UUID(network.sample["Patient"]), first, last, list(types),
    )  # fmt: skip


_AS_THEY_ARE = frozenset(
    {"boolean", "integer", "smallint", "bigint", "timestamp with time zone", "date", "tstzrange", "numeric"}
)


def _expression(name: str, type_: str, network: Network) -> str:
    if name == "updated":
        return "t.updated + g.copy * interval '1 millisecond'"
    if type_ in (
        "boolean",
        "integer",
        "smallint",
        "bigint",
        "timestamp with time zone",
        "date",
        "tstzrange",
        "numeric",
    ):
        return f"t.{name}"
    text = f"convert_from(t.{name}, 'UTF8')" if name == "body" else f"t.{name}::text"
    if name == "digest":
        return "t.digest"
    for old, new in _changes(network):
        text = f"replace({text}, '{old}', {new})"
    return f"convert_to({text}, 'UTF8')" if name == "body" else f"({text})::{type_}"


def _changes(network: Network) -> Iterator[tuple[str, str]]:
    for own in network.sample.values():
        yield own, f"md5('{own}/' || g.copy)::uuid::text"
    yield SAMPLE, "'S-' || lpad(g.copy::text, 8, '0')"
    yield SAMPLE.lower(), "'s-' || lpad(g.copy::text, 8, '0')"
