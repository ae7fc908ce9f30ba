"""Writes of resources and of what follows from them; only the access service calls these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent.model import AdultFrom, Agreement, Provision, Release, ResourceAttributes, Window
from app.consent.recipients import BY_ID
from app.db.caller import waiting
from app.db.driver import PreparedQuery, fetch
from app.db.rows import Stored
from app.db.tables import agreement, provision, release, verified_identifier
from app.db.terms_tables import terms_document
from app.limits.long_work import LARGE_BYTES, off_loop
from app.search.rows import Terms

_PUT_MANY = PreparedQuery(
    text("SELECT hallpass.put_many(CAST(:rows AS hallpass.resource_version[]), CAST(:terms AS jsonb))")
)
_PUT_TERMS = text("SELECT hallpass.put_terms(:compartments, :ids, CAST(:terms AS jsonb), true)")

_PUT_STUDENTS = PreparedQuery(
    text("SELECT hallpass.put_students(:compartments, :custodians, :first, :last, :emancipated, :enrolled, :new)")
)
_PUT_AUTHORITIES = PreparedQuery(
    text("SELECT hallpass.put_authorities(:compartments, :ids, :custodians, :opens, :closes, :adult, :new)")
)


class NewVersion(NamedTuple):
    """A version to store: the row, what consent is judged by, and what it is found by (None: a deletion)."""

    row: Stored
    attributes: ResourceAttributes
    terms: Terms | None


async def put_many(connection: AsyncConnection, versions: Sequence[NewVersion]) -> None:
    """Store versions as the current ones of their resources, and bring both indexes up to date with them.

    It is one statement, whatever their number. Each is of another resource. Whoever calls has set the caller, holds the
    locks of all of them (`app.db.caller.lock_writes`, whose answer is their `updated`), and has checked their
    references. Row-level security judges each row. What follows from a Patient, a Consent and the other types that have
    projections is not done here (app/projections).
    """
    if not versions:
        return
    large = sum(len(v.row.body) for v in versions) > LARGE_BYTES
    documents = partial(terms_document, [v.terms for v in versions])
    values = {
        "rows": [_resource_version(v) for v in versions],
        "terms": await off_loop(str(versions[0].row.custodian), documents, large=large),
    }
    await fetch(connection, _PUT_MANY, values)


def _resource_version(version: NewVersion) -> tuple[Any, ...]:
    """The columns of hallpass.resource_version, in their order."""
    attributes = version.attributes
    return (
        *version.row,
        sorted(attributes.profiles),
        sorted(attributes.codes),
        attributes.confidentiality,
        sorted(attributes.labels),
        sorted(attributes.parties),
        sorted(attributes.refs),
        sorted(attributes.authors),
        _sent(clinical_range(attributes)),
    )


def clinical_range(attributes: ResourceAttributes) -> Range[Any] | None:
    """When the data was about, as the column holds it: empty for types that are about no time."""
    if attributes.timeless:
        return Range(empty=True)
    return Range(*attributes.clinical) if attributes.clinical else None


def _sent(about: Range[Any] | None) -> asyncpg.Range | None:
    """A range as the driver takes it."""
    return asyncpg.Range(about.lower, about.upper, empty=about.empty) if about is not None else None


async def put_terms(connection: AsyncConnection, row: Stored, terms: Terms | None) -> None:
    """Replace what a resource is found by; None takes it away."""
    values = {"compartments": [row.compartment], "ids": [row.id], "terms": terms_document([terms])}
    await connection.execute(_PUT_TERMS, values)


async def index_student(connection: AsyncConnection, compartment: UUID, custodian: UUID | None) -> None:
    """Bring the access index up to date with what a custodian (None: anybody) holds about a student."""
    await connection.execute(
        text("SELECT hallpass.index_student(:compartment, :custodian)"),
        {"compartment": compartment, "custodian": custodian},
    )


async def defer_index(connection: AsyncConnection, compartment: UUID, custodian: UUID, *, distrust: bool) -> None:
    """Leave the access index to be brought up to date later; `distrust`: until then it settles nothing there."""
    await connection.execute(
        text("SELECT hallpass.defer_index(:compartment, :custodian, :distrust)"),
        {"compartment": compartment, "custodian": custodian, "distrust": distrust},
    )


async def refresh_validity(connection: AsyncConnection, compartment: UUID, custodian: UUID) -> None:
    """Bring up to date when a custodian's releases of a student, and those of its line in the tree, have effect."""
    await connection.execute(
        text("SELECT hallpass.refresh_validity(:compartment, :custodian)"),
        {"compartment": compartment, "custodian": custodian},
    )


async def put_students(
    connection: AsyncConnection, changes: Sequence[tuple[Stored, tuple[tuple[date, date], AdultFrom] | None]]
) -> None:
    """Keep what releases need of Patients: the first and last possible day of birth, and from when it is an adult.

    None: the birth date is not known.
    """
    rows, known = [row for row, _ in changes], [known for _, known in changes]
    await fetch(
        connection,
        _PUT_STUDENTS,
        {
            "compartments": [row.compartment for row in rows],
            "custodians": [row.custodian for row in rows],
            "first": [k[0][0] if k else None for k in known],
            "last": [k[0][1] if k else None for k in known],
            "emancipated": [k[1].emancipated if k else None for k in known],
            "enrolled": [k[1].enrolled if k else None for k in known],
            "new": [row.version == 1 for row in rows],
        },
    )


async def put_authorities(
    connection: AsyncConnection, changes: Sequence[tuple[Stored, tuple[Window, bool] | None]]
) -> None:
    """Keep what releases need of RelatedPersons: their authority's window, and whether over an adult; None: none."""
    rows, known = [row for row, _ in changes], [known for _, known in changes]
    await fetch(
        connection,
        _PUT_AUTHORITIES,
        {
            "compartments": [row.compartment for row in rows],
            "ids": [row.id for row in rows],
            "custodians": [row.custodian for row in rows],
            "opens": [k[0][0] if k else None for k in known],
            "closes": [k[0][1] if k else None for k in known],
            "adult": [bool(k and k[1]) for k in known],
            "new": [row.version == 1 for row in rows],
        },
    )


async def lock_agreements(connection: AsyncConnection, agreements: Collection[Agreement]) -> None:
    """Wait for the disclosures in flight under these agreements, and let those that come wait for this transaction."""
    values = {"disclosers": [a.discloser for a in agreements], "recipients": [a.recipient for a in agreements]}
    with waiting():
        await connection.execute(text("SELECT hallpass.lock_agreements(:disclosers, :recipients)"), values)


async def put_agreements(connection: AsyncConnection, affiliation: UUID, agreements: Iterable[Agreement]) -> None:
    """Keep what releases need of an OrganizationAffiliation: who discloses to whom, and when."""
    await connection.execute(delete(agreement).where(agreement.c.id == affiliation))
    for a in agreements:
        await connection.execute(
            insert(agreement).values(
                id=affiliation,
                custodian=a.custodian,
                discloser=a.discloser,
                recipient=a.recipient,
                opens=a.period[0],
                closes=a.period[1],
            )
        )


async def place_organization(
    connection: AsyncConnection,
    organization: UUID,
    parent: UUID | None,
    zone: str,
    honor: bool,
    state: str | None,
    classes: frozenset[UUID],
) -> str:
    """Put an organization in the tree: placed, or refused as cycle, deep or member (see the SQL function)."""
    return str(
        await connection.scalar(
            text("SELECT hallpass.place_organization(:id, :parent, :zone, :honor, :state, :classes)"),
            {
                "id": organization,
                "parent": parent,
                "zone": zone,
                "honor": honor,
                "state": state,
                "classes": sorted(classes),
            },
        )
    )


async def verify_identifier(connection: AsyncConnection, organization: UUID, system: str, value: str) -> bool:
    """Let releases name an organization by an identifier; False where it is another's."""
    row = {"system": system, "value": value, "organization": organization}
    await connection.execute(upsert(verified_identifier).values(row).on_conflict_do_nothing())
    t = verified_identifier.c
    held = await connection.scalar(select(t.organization).where(t.system == system, t.value == value))
    return bool(held == organization)


async def remove_organization(connection: AsyncConnection, organization: UUID) -> bool:
    """Take an organization out of the tree; False while it has clients, parts or records."""
    return bool(await connection.scalar(text("SELECT hallpass.remove_organization(:id)"), {"id": organization}))


async def put_release(connection: AsyncConnection, compartment: UUID, consent: UUID, compiled: Release | None) -> None:
    """Replace the compiled form of a Consent; None: it grants nothing any more."""
    await connection.execute(delete(release).where(release.c.compartment == compartment, release.c.consent == consent))
    if compiled is None:
        return
    await connection.execute(
        insert(release).values(
            compartment=compartment,
            consent=consent,
            version=compiled.version,
            custodian=compiled.custodian,
            signed=compiled.signed,
            signer=compiled.signer,
            age=compiled.age,
            part2=compiled.part2,
            opens=compiled.opens,
            closes=compiled.closes,
            recipients=sorted(compiled.recipients),
            born_from=compiled.born[0] if compiled.born else None,
            born_to=compiled.born[1] if compiled.born else None,
            authority_opens=compiled.authority[0] if compiled.authority else None,
            authority_closes=compiled.authority[1] if compiled.authority else None,
            cosigned=compiled.cosigned,
            education=compiled.education,
            redisclosable=compiled.redisclosable,
            confirmed=compiled.confirmed,
            by_class=not BY_ID.keys().isdisjoint(compiled.recipients),
        )
    )
    await connection.execute(insert(provision), [_provision(compartment, consent, p) for p in compiled.provisions])


async def commit_everywhere(connection: AsyncConnection) -> None:
    """Make this transaction's commit wait for the standbys, so that none serves what it ends."""
    await connection.execute(text("SET LOCAL synchronous_commit = remote_apply"))


def _provision(compartment: UUID, consent: UUID, p: Provision) -> dict[str, Any]:
    return {
        "compartment": compartment,
        "consent": consent,
        "node": p.node,
        "parent": p.parent,
        "permit": p.permit,
        "opens": p.period[0],
        "closes": p.period[1],
        "recipients": _sorted(p.recipients),
        "purposes": _sorted(p.purposes),
        "classes": _sorted(p.classes),
        "codes": _sorted(p.codes),
        "confidentiality": p.confidentiality,
        "labels": _sorted(p.labels),
        "instances": _sorted(p.instances),
        "related": _sorted(p.related),
        "dependents": _sorted(p.dependents),
        "authored": _sorted(p.authored),
        "about": Range(*p.about) if p.about else None,
    }


def _sorted(found: frozenset[Any] | None) -> list[Any] | None:
    return None if found is None else sorted(found)
