"""Reads the rules back: what bears on one student's records, and the facts of the records, as plain values.

For explaining and verifying; the access service's own decisions are made by the same rule in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent.model import Agreement, Place, Provision, Release, ResourceAttributes, Window
from app.db.tables import agreement, organization, provision, receipt, release, resource, tree

_FACTS = (
    "id", "type", "custodian", "student", "directory", "profiles", "codes", "confidentiality", "labels", "parties",
    "refs", "authors", "clinical",
)  # fmt: skip


async def releases(connection: AsyncConnection, compartment: UUID) -> tuple[Release, ...]:
    """The compiled releases of a student, of those that the caller wrote."""
    nodes: dict[UUID, list[Provision]] = {}
    found = await connection.execute(
        select(provision).where(provision.c.compartment == compartment).order_by(provision.c.consent, provision.c.node)
    )
    for row in found:
        nodes.setdefault(row.consent, []).append(_provision(row))
    rows = await connection.execute(
        select(release).where(release.c.compartment == compartment).order_by(release.c.consent)
    )
    return tuple(_release(r, tuple(nodes.get(r.consent, ()))) for r in rows)


async def agreements(connection: AsyncConnection) -> tuple[Agreement, ...]:
    """The agreements that the caller holds."""
    rows = await connection.execute(select(agreement))
    return tuple(Agreement(r.custodian, r.discloser, r.recipient, (r.opens, r.closes)) for r in rows)


async def places(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Place]:
    """The places of these organizations in the tree."""
    o = organization.c
    rows = await connection.execute(select(organization).where(o.id.in_(sorted(set(ids)))))
    return {r.id: Place(tuple(r.ancestors), r.zone, r.honor, r.state) for r in rows}


async def counts_as(connection: AsyncConnection, organization_id: UUID) -> frozenset[UUID]:
    """What a release may name to reach an organization: those that it is part of, and its classes of recipients."""
    found = await connection.scalar(text("SELECT hallpass.counts_as(:id)"), {"id": organization_id})
    return frozenset(found or ())


async def asserted_purposes(connection: AsyncConnection, organization_id: UUID) -> frozenset[str]:
    """The purposes of use that clients of an organization, or of a part of it, may assert."""
    found = await connection.scalar(text("SELECT hallpass.asserted_purposes(:id)"), {"id": organization_id})
    return frozenset(found or ())


async def attributes(
    connection: AsyncConnection, compartment: UUID, custodian: UUID, *, parts: bool
) -> list[ResourceAttributes]:
    """The facts of a student's current records that an organization holds; with `parts`, also the parts of it."""
    c = resource.c
    descendants = select(tree.c.id).where(tree.c.ancestor == custodian)
    held = c.custodian.in_(descendants) if parts else c.custodian == custodian
    facts: list[ColumnElement[Any]] = [*(c[name] for name in _FACTS), _received()]
    rows = await connection.execute(
        select(*facts).where(c.compartment == compartment, c.current, ~c.deleted, held).order_by(c.type, c.id)
    )
    return [replace(a, parties=a.parties | {*row.received}) for row in rows for a in (_attributes(row),)]


async def attributes_of(connection: AsyncConnection, compartment: UUID, resource_id: UUID) -> ResourceAttributes | None:
    """The facts of one current record."""
    c = resource.c
    row = (
        await connection.execute(
            select(*(c[name] for name in _FACTS)).where(c.compartment == compartment, c.id == resource_id, c.current)
        )
    ).one_or_none()
    return _attributes(row) if row else None


def _received() -> ColumnElement[Any]:
    """Who received something under a Consent, and sees it by that."""
    c, k = resource.c, receipt.c
    found = select(k.recipient).where(k.compartment == c.compartment, k.consent == c.id)
    return func.array(found.scalar_subquery()).label("received")


def _release(row: Row[Any], provisions: tuple[Provision, ...]) -> Release:
    return Release(
        consent=row.consent,
        version=row.version,
        student=row.compartment,
        custodian=row.custodian,
        signed=row.signed,
        signer=row.signer,
        age=row.age,
        part2=row.part2,
        opens=row.opens,
        closes=row.closes,
        provisions=provisions,
        born=None if row.born_from is None else (row.born_from, row.born_to),
        authority=None if row.authority_opens is None else (row.authority_opens, row.authority_closes),
        cosigned=row.cosigned,
        education=row.education,
        redisclosable=row.redisclosable,
        confirmed=row.confirmed,
    )


def _attributes(row: Row[Any]) -> ResourceAttributes:
    timeless = row.clinical is not None and row.clinical.isempty
    return ResourceAttributes(
        id=row.id,
        type=row.type,
        custodian=row.custodian,
        student=row.student,
        directory=row.directory,
        profiles=frozenset(row.profiles),
        codes=frozenset(row.codes),
        confidentiality=row.confidentiality,
        labels=frozenset(row.labels),
        parties=frozenset(row.parties),
        refs=frozenset(row.refs),
        authors=frozenset(row.authors),
        clinical=None if timeless or row.clinical is None else (row.clinical.lower, row.clinical.upper),
        timeless=timeless,
    )


def _provision(row: Row[Any]) -> Provision:
    about: Window | None = (row.about.lower, row.about.upper) if row.about is not None else None
    return Provision(
        node=row.node,
        parent=row.parent,
        permit=row.permit,
        period=(row.opens, row.closes),
        recipients=_set(row.recipients),
        purposes=_set(row.purposes),
        classes=_set(row.classes),
        codes=_set(row.codes),
        confidentiality=row.confidentiality,
        labels=_set(row.labels),
        instances=_set(row.instances),
        related=_set(row.related),
        dependents=_set(row.dependents),
        authored=_set(row.authored),
        about=about,
    )


def _set(values: list[Any] | None) -> frozenset[Any] | None:
    return None if values is None else frozenset(values)
