"""The names on the ledger as they were when an entry was made, so that who renames itself does not rename its past.

They are read from the versions of the directory and of the release that stood at that moment: no version is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.driver import PreparedQuery, fetch
from app.fhir.json import parse
from app.ledger.entries import Entry

_ORGANIZATIONS = PreparedQuery(
    text("""
        SELECT k.id, k.at, o.body
        FROM unnest(CAST(:ids AS uuid[]), CAST(:moments AS timestamptz[])) AS k(id, at) CROSS JOIN LATERAL (
            SELECT r.body FROM hallpass.resource r
            WHERE r.id = k.id AND r.type = 'Organization' AND r.updated <= k.at AND NOT r.deleted
            ORDER BY r.version DESC LIMIT 1) o
    """)
)
_SIGNERS = PreparedQuery(
    text("""
        SELECT k.consent, k.version, k.at, x.reference, p.body
        FROM unnest(CAST(:compartments AS uuid[]), CAST(:consents AS uuid[]), CAST(:versions AS integer[]),
                    CAST(:moments AS timestamptz[])) AS k(compartment, consent, version, at)
        CROSS JOIN LATERAL (
            SELECT r.body FROM hallpass.resource r
            WHERE r.compartment = k.compartment AND r.id = k.consent AND r.version = k.version LIMIT 1) c
        CROSS JOIN LATERAL jsonb_array_elements(convert_from(c.body, 'UTF8')::jsonb->'performer')
            WITH ORDINALITY AS s(performer, n)
        CROSS JOIN LATERAL (
            SELECT s.performer->>'reference' AS reference,
                   CASE WHEN s.performer->>'reference' ~ '^(Patient|RelatedPerson)/[0-9a-f-]{36}$'
                        THEN right(s.performer->>'reference', 36)::uuid END AS person) x
        LEFT JOIN LATERAL (
            SELECT r.body FROM hallpass.resource r
            WHERE r.compartment = k.compartment AND r.id = x.person AND r.updated <= k.at
              AND NOT r.deleted ORDER BY r.version DESC LIMIT 1) p ON true
        ORDER BY s.n
    """)
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that go with entries: of organizations by moment, of those who signed by release and moment."""

    organizations: dict[tuple[UUID, datetime], str] = field(default_factory=dict)
    signers: dict[tuple[UUID, int, datetime], tuple[str, ...]] = field(default_factory=dict)

    def organization(self, organization: UUID, at: datetime) -> str | None:
        """The name that an organization had."""
        return self.organizations.get((organization, at))

    def signed(self, entry: Entry) -> tuple[str, ...]:
        """Who signed the release of an entry, each as a reference with the name; none without a release."""
        if entry.consent is None or entry.consent_version is None:
            return ()
        return self.signers.get((entry.consent, entry.consent_version, entry.at), ())


async def names_of(
    connection: AsyncConnection, entries: Iterable[Entry], others: Iterable[tuple[UUID, datetime]] = ()
) -> Names:
    """The names for entries, and for other organizations at their moments."""
    entries = list(entries)
    asked = {(who, e.at) for e in entries for who in (e.recipient, e.custodian)} | set(others)
    return Names(await _organizations(connection, asked), await _signers(connection, entries))


async def _organizations(
    connection: AsyncConnection, asked: set[tuple[UUID, datetime]]
) -> dict[tuple[UUID, datetime], str]:
    if not asked:
        return {}
    values = {"ids": [i for i, _ in asked], "moments": [at for _, at in asked]}
    rows = await fetch(connection, _ORGANIZATIONS, values)
    return {(row.id, row.at): str(parse(row.body).get("name", "")) for row in rows}


async def _signers(
    connection: AsyncConnection, entries: list[Entry]
) -> dict[tuple[UUID, int, datetime], tuple[str, ...]]:
    asked = {(e.compartment, e.consent, e.consent_version, e.at) for e in entries if e.consent is not None}
    if not asked:
        return {}
    columns: tuple[list[Any], ...] = tuple(list(c) for c in zip(*asked, strict=True))
    values = dict(zip(("compartments", "consents", "versions", "moments"), columns, strict=True))
    found: dict[tuple[UUID, int, datetime], tuple[str, ...]] = {}
    for row in await fetch(connection, _SIGNERS, values):
        person = _person(parse(row.body)) if row.body else ""
        who = " ".join(filter(None, (row.reference, person)))
        key = (row.consent, row.version, row.at)
        found[key] = (*found.get(key, ()), who)
    return found


def _person(content: dict[str, Any]) -> str:
    """A person's name in one line; '' where there is none."""
    name: dict[str, Any] = next(iter(content.get("name", [])), {})
    text_ = name.get("text") or " ".join([*name.get("given", []), *filter(None, [name.get("family")])])
    return str(text_)
