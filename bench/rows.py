"""Made-up rows for measuring: a network of districts, a clinic that sees a few students, and a stranger.

They go in by COPY, in the form in which the server keeps them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import URL

from app.resources import REGISTRY, ResourceType, Visibility
from app.search import near
from app.search.own import NEAR
from app.search.parameters import COLUMNS, PARAMETERS, Parameter, ParamKind
from app.search.terms import under

SPACE = UUID("0d6f3f0e-0000-4000-8000-000000000000")
START = datetime(2024, 1, 1, tzinfo=UTC)
DISTRICTS = 23
"""Each holds as many students. No divisor in common with the types, so that each holds every type."""
SEEN = 500
"""Students whose referrals and visits the clinic sees, however many there are."""
OTHERS = 200
"""Organizations to which all else is released: what neither the clinic nor the stranger sees."""
PER_STUDENT = 10
WHOLE = ("resource", "access", "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri")
HELD = [t for t in REGISTRY if t.visibility is Visibility.COMPARTMENT and t.name != "Patient"]
LISTED = [t for t in REGISTRY if t.visibility is not Visibility.COMPARTMENT]
BORN = datetime(2014, 5, 2, tzinfo=UTC).date()
GROWN = datetime(2032, 5, 2, 4, tzinfo=UTC)
"""When they turn 18, where their districts are."""
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def uid(*parts: object) -> UUID:
    """The id that parts stand for."""
    return uuid.uuid5(SPACE, "/".join(map(str, parts)))


CLINIC, STRANGER = uid("clinic"), uid("stranger")


def students(size: int) -> Iterator[tuple[int, UUID, UUID, bool]]:
    """Number, id, custodian, and whether there is a release to the clinic."""
    count = size // PER_STUDENT
    step = max(1, count // SEEN)
    for n in range(count):
        yield n, uid("student", n), uid("district", n % DISTRICTS), n % step == 0 and n < step * SEEN


def resources(size: int) -> Iterator[tuple[int, ResourceType, UUID, UUID, UUID, bool]]:
    """Number, type, compartment, id, custodian, and whether the clinic sees it."""
    patient = next(t for t in REGISTRY if t.name == "Patient")
    number = 0
    for n, student, custodian, released in students(size):
        yield number, patient, student, student, custodian, released
        for k in range(PER_STUDENT - 2):
            declared = HELD[(n + k) % len(HELD)]
            opened = released and declared.name in ("ServiceRequest", "Encounter")
            yield number + k + 1, declared, student, uid(n, k), custodian, opened
        listed = LISTED[n % len(LISTED)]
        own = uid("listed", n)
        yield number + PER_STUDENT - 1, listed, own, own, custodian, listed.visibility is Visibility.DIRECTORY
        number += PER_STUDENT


def versions(size: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `resource`."""
    for n, declared, compartment, own, custodian, _ in resources(size):
        student = compartment if declared.visibility is Visibility.COMPARTMENT else None
        body = json.dumps({"resourceType": declared.name, "id": str(own), "language": "en" * 60}).encode()
        about = asyncpg.Range(empty=True)
        yield (
            compartment, own, 1, declared.name, custodian, student, declared.visibility is Visibility.DIRECTORY, True,
            False,
            START + timedelta(seconds=n), "POST", body, 0, b"", [], [], 3, [], [], [], [], about,
        )  # fmt: skip


def openings(size: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `access`."""
    for n, declared, compartment, own, custodian, opened in resources(size):
        if declared.visibility is not Visibility.DIRECTORY:
            updated = START + timedelta(seconds=n)
            if opened:
                yield compartment, own, CLINIC, uid("consent", compartment), declared.name, updated, custodian, True
            elif declared.visibility is Visibility.COMPARTMENT:
                consent = uid("other consent", compartment)
                yield compartment, own, other(compartment), consent, declared.name, updated, custodian, True


def other(student: UUID) -> UUID:
    """Whom the rest of a student's records is released to."""
    return uid("other", student.int % OTHERS)


def spread(number: int) -> int:
    """What the values of a resource are made of: the same for all types."""
    return number * 7919 % 1_000_003


def stored(parameter: Parameter, number: int) -> Parameter:
    """The parameter; of a composite of a code and something else, the other, under a name with the code behind it."""
    if parameter.paired is None:
        return parameter
    paths = tuple(p for own in parameter.components[1].paths for p in own)
    code = under(parameter.code, f"c{spread(number) % 50}")
    return replace(parameter, code=code, kind=parameter.paired, paths=paths, components=())


def around(n: int) -> str:
    """The circle in which a place lies, as it is asked for."""
    return f"{25 + n % 25}|{-120 + n % 50}|10|km"


def values(parameter: Parameter, number: int, compartment: UUID) -> tuple[Any, ...]:
    """What stands in the index for one parameter of one resource, after compartment, id, param, n and type."""
    n = spread(number)
    day = START + timedelta(days=n % 1_000)
    match parameter.kind:
        case ParamKind.TOKEN:
            return _token(parameter, n)
        case ParamKind.COMPOSITE:
            return f"c{n % 50}", f"c{n % 50}"
        case ParamKind.STRING:
            return f"name{n % 200}", f"Name{n % 200}"
        case ParamKind.REFERENCE:
            kind = "Patient" if "Patient" in parameter.targets else min(parameter.targets)
            return kind, compartment if kind == "Patient" else uid("target", n % 200), "", "", ""
        case ParamKind.DATE:
            return day, day + timedelta(days=1)
        case ParamKind.QUANTITY:
            return Decimal(n % 1_000), Decimal(n % 1_000), "", "", "min"
        case ParamKind.URI:
            return (f"urn:u:{n % 200}",)


def _token(parameter: Parameter, n: int) -> tuple[str, str]:
    """System and code: one of two truths, one of fifty codes or places, or an identifier of its own."""
    if parameter.code == NEAR:
        return "", _cell(around(n))
    if parameter.types == {"boolean"}:
        return "", "true" if n % 2 else "false"
    if "Identifier" in parameter.types:
        return "urn:s", f"i{n}"
    return "" if parameter.types <= {"code", "string", "ContactPoint"} else "urn:s", f"c{n % 50}"


@cache
def _cell(circle: str) -> str:
    return near.asked(circle)[0]


TABLES = {
    ParamKind.TOKEN: "term_token",
    ParamKind.COMPOSITE: "term_token",
    ParamKind.STRING: "term_string",
    ParamKind.REFERENCE: "term_reference",
    ParamKind.DATE: "term_date",
    ParamKind.QUANTITY: "term_quantity",
    ParamKind.URI: "term_uri",
}


def terms(size: int, table: str) -> Iterator[tuple[Any, ...]]:
    """Rows of one table of terms: one for each parameter of each resource."""
    chosen = {
        t.name: [
            p for p in PARAMETERS[t.name].values() if p.code not in COLUMNS and TABLES[p.paired or p.kind] == table
        ]
        for t in REGISTRY
    }
    for n, declared, compartment, own, custodian, _ in resources(size):
        for parameter in (stored(p, n) for p in chosen[declared.name]):
            yield compartment, own, custodian, parameter.code, 1, declared.name, *values(parameter, n, compartment)


_INDEXES = """
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = 'hallpass'::regnamespace AND NOT i.indisprimary
      AND (c.relname IN ('resource', 'access') OR c.relname LIKE 'term%')
"""
"""The indexes that are made after the rows are in, which is quicker."""


async def load_all(url: URL, size: int) -> None:
    """Fill the tables, as their owner."""
    raw = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        organizations = [CLINIC, STRANGER, *(uid("district", n) for n in range(DISTRICTS))]
        organizations += [uid("other", n) for n in range(OTHERS)]
        await copy(raw, "organization", ([o, [o], "America/New_York", False, None, []] for o in organizations))
        await copy(raw, "tree", ([o, o] for o in organizations))
        for o in organizations:
            statement = "INSERT INTO hallpass.client VALUES ($1, $2, 'x', '{}', '{}', '{\"keys\":[]}', NULL)"
            await raw.execute(statement, str(o), o)
        await copy(raw, "student", ((s, c, BORN, BORN, None, None) for _, s, c, _ in students(size)))
        opened = [(s, c) for _, s, c, released in students(size) if released]
        mothers = ((s, uid("mother", s), c, *ALWAYS, False) for s, c in opened)
        await copy(raw, "authority", mothers)
        signed = datetime(2024, 1, 1, tzinfo=UTC)
        unsaid = (False, False, False, False, None, None, None, None, None)
        await copy(
            raw,
            "release",
            (
                (s, uid("consent", s), 1, c, signed, uid("mother", s), 18, False, *ALWAYS, [CLINIC], *unsaid)
                for s, c in opened
            ),
        )
        classes = ["Patient", "ServiceRequest", "Encounter"]
        blank = (None,) * 7
        stands = ((CLINIC, uid("consent", s), s, 1, c, *ALWAYS, GROWN, None, *ALWAYS, classes, True) for s, c in opened)
        await copy(raw, "validity", stands)
        rest = (
            (other(s), uid("other consent", s), s, 1, c, *ALWAYS, GROWN, None, *ALWAYS, None, True)
            for _, s, c, _ in students(size)
        )
        await copy(raw, "validity", rest)
        await copy(
            raw,
            "provision",
            ((s, uid("consent", s), 0, -1, True, *ALWAYS, [CLINIC], None, classes, None, *blank) for s, _ in opened),
        )
        indexes = await raw.fetch(_INDEXES)
        for index in indexes:
            await raw.execute(f"DROP INDEX {index['name']}")
        await copy(raw, "resource", versions(size))
        await copy(raw, "access", openings(size))
        for table in dict.fromkeys(TABLES.values()):
            await copy(raw, table, terms(size, table))
        await raw.execute("SET maintenance_work_mem = '512MB'")
        for index in indexes:
            await raw.execute(index["definition"])
        await raw.execute("VACUUM ANALYZE")
    finally:
        await raw.close()


async def copy(raw: Any, table: str, rows: Iterator[Any]) -> None:
    """COPY rows into a table."""
    await raw.copy_records_to_table(table, schema_name="hallpass", records=rows)
