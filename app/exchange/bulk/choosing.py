"""Choosing what an export holds, step by step: each is a transaction of the client that asked, under today's rule.

Nothing leaves by it: a line is judged again, and entered on the ledger, when it does (decision 33).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from app.db import exports, feed
from app.db.exports import Export
from app.db.rows import Stored
from app.exchange import reads
from app.exchange.bulk.asked import ASSOCIATED, Asked, as_ids
from app.fhir.json import parse as parse_json
from app.resources import TYPES, Visibility
from app.resources.refs import as_uuid
from app.search.cursor import unpack
from app.search.parse import parse
from app.search.query import Search
from app.session import Session

STUDENTS = 200
"""Compartments that one step chooses from."""
LISTING_SECONDS = 300
"""How long one statement over all that the client sees may take: listing the compartments, and what was deleted."""


async def begin(session: Session, export: Export, asked: Asked) -> None:
    """Take the moment that the export is of, and list the compartments to choose from."""
    await exports.allow_long(session.connection, LISTING_SECONDS)
    only = await _only(session, asked)
    answer = await feed.begin(session.connection, (asked.feed,), asked.since)
    moments = {"at": answer.at, "horizon": answer.horizon, "told": answer.told}
    await exports.begin(session.connection, export.id, moments, asked.types, None if only is None else as_ids(only))
    if asked.patients is not None:
        there = await exports.within(session.connection, export.id, as_ids(asked.patients))
        unseen = [f"Patient/{text}" for text in asked.patients if as_uuid(text) not in there]
        await exports.name_unseen(session.connection, export.id, unseen)


async def choose(session: Session, export: Export, asked: Asked) -> bool:
    """Choose from the next compartments. Whether there were any."""
    compartments = await exports.compartments(session.connection, export.id, export.done, STUDENTS)
    filtered = {kind for kind, _ in asked.filters}
    whole = [t for t in asked.chosen if t not in filtered]
    if compartments and whole:
        await _choose(session, export, asked, whole, compartments, None)
        await _associate(session, export, asked, compartments)
    await exports.advance(session.connection, export.id, export.done + len(compartments))
    return bool(compartments)


async def choose_filtered(session: Session, export: Export, asked: Asked, filter_: tuple[str, str], at: str) -> str:
    """Choose a page of what meets a `_typeFilter`; `at` says where it begins. Answers where the next does, or ''."""
    wanted = understood(session, filter_)
    found = await reads.search(session, wanted, unpack(at, wanted) if at else None)
    rows = [c.row for c in found.pending]
    only = await _compartments(session, export, rows)
    await _choose(session, export, asked, [filter_[0]], [r.compartment for r in only], [r.id for r in only])
    await _associate(session, export, asked, sorted({r.compartment for r in only}))
    entries = [r.id for r in rows if r.directory]
    if entries:
        await exports.directory(
            session.connection, export.id, [filter_[0]], entries, since=asked.since, until=asked.until
        )
    return found.cursors.get("next", "")


async def finish(session: Session, export: Export, asked: Asked) -> None:
    """Choose from the directory, list what was deleted, and close the answer to who follows."""
    await exports.allow_long(session.connection, LISTING_SECONDS)
    filtered = {kind for kind, _ in asked.filters}
    directory = [t for t in asked.types if TYPES[t].visibility is Visibility.DIRECTORY and t not in filtered]
    if directory:
        await exports.directory(session.connection, export.id, directory, None, since=asked.since, until=asked.until)
    if asked.since is not None:
        await exports.deleted(session.connection, export.id, asked.types, asked.since)
    assert export.at is not None
    assert export.horizon is not None
    answer = feed.Answer(asked.feed, export.at, export.horizon, export.told)
    await feed.answered(session.connection, asked.until or transaction_time(export), answer, gives=True)
    await exports.end(session.connection, export.id)


def transaction_time(export: Export) -> datetime:
    """The moment that the export is of: what is committed later is not older. Whole milliseconds, as in an instant."""
    assert export.at is not None
    assert export.horizon is not None
    earliest = min(export.at, export.horizon)
    return earliest.replace(microsecond=earliest.microsecond // 1000 * 1000)


def understood(session: Session, filter_: tuple[str, str]) -> Search:
    """The search that a `_typeFilter` means. Raises INVALID, UNKNOWN_PARAM and TOO_COSTLY as a search does."""
    kind, query = filter_
    found = parse(
        kind,
        parse_qsl(query, keep_blank_values=True),
        zone=session.zone,
        base_url=session.settings.fhir_base,
        default_count=session.settings.max_count,
        max_count=session.settings.max_count,
    )
    return replace(found, total="none")


async def _choose(
    session: Session, export: Export, asked: Asked, types: Sequence[str], compartments: Sequence[UUID],
    ids: Sequence[UUID] | None,
) -> None:  # fmt: skip
    await exports.choose(
        session.connection, export.id, types, compartments, ids,
        since=asked.since, until=asked.until, by_patient=asked.by_patient,
        consents="Consent" not in asked.types and reads.allows_type(session, "Consent"),
    )  # fmt: skip


async def _associate(session: Session, export: Export, asked: Asked, compartments: Sequence[UUID]) -> None:
    if asked.associated:
        latest = asked.associated == ASSOCIATED[0]
        await exports.associate(session.connection, export.id, compartments, latest=latest, by_patient=asked.by_patient)


async def _compartments(session: Session, export: Export, rows: list[Stored]) -> list[Stored]:
    """Of some matches those that the export may reach."""
    others = [r for r in rows if not r.directory]
    there = await exports.within(session.connection, export.id, [r.compartment for r in others])
    return [r for r in others if r.compartment in there]


async def _only(session: Session, asked: Asked) -> list[str] | None:
    """The students that the export is narrowed to by name or by a Group; None: it is not."""
    if asked.group is None:
        return None if asked.patients is None else list(asked.patients)
    members = await members_of(session, asked.group)
    return sorted(members if asked.patients is None else members & set(asked.patients))


async def members_of(session: Session, group: str) -> set[str]:
    """The ids of a Group's members that are Patients. Raises NOT_FOUND where the caller does not see the Group."""
    session.require("Group", "r")
    found = await reads.read(session, TYPES["Group"], group)
    content = parse_json(found.pending[0].row.body)
    references = (m.get("entity", {}).get("reference", "") for m in content.get("member", []) if not m.get("inactive"))
    return {r.removeprefix("Patient/") for r in references if r.startswith("Patient/")}
