"""What an organization may write into a resource that another holds: the elements that the type gives to parties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.exchange.validated import same
from app.resources import ResourceType
from app.resources.declaration import OPEN_TO_CLAIM
from app.resources.paths import values
from app.resources.refs import local_id, parse_local
from app.session import Session

_SERVERS = frozenset({"resourceType", "id", "meta", "text"})


@contextmanager
def judging(session: Session, stored: Stored) -> Iterator[None]:
    """What is refused in here tells of `stored`: where another organization holds it, that is a disclosure."""
    try:
        yield
    except HallpassError as e:
        if stored.student is not None and stored.custodian != session.caller.organization and not stored.deleted:
            e.told = e.told if stored in e.told else (*e.told, stored)
        raise


async def require_own_entry(session: Session, declared: ResourceType, content: dict[str, Any]) -> None:
    """Raise FORBIDDEN where a directory entry is about organizations none of which is the caller's, or below it."""
    named = [local_id(r, "Organization") for path in declared.entry_of for r in values(content, path)]
    if not named or session.operator:
        return
    for organization in named:
        if organization is None:
            continue
        if ("Organization", organization) in session.pending or await session.holds(organization):
            return
    text = "A directory entry about an organization is filed by that organization, by one above it, or by the operator."
    raise HallpassError(Kind.FORBIDDEN, Issue(text, f"{declared.name}.{declared.entry_of[0]}"))


def as_party(declared: ResourceType, stored: dict[str, Any], sent: dict[str, Any], session: Session) -> dict[str, Any]:
    """The stored resource with a party's elements taken from what was sent.

    Raises FORBIDDEN when the caller is no party, or when anything else differs. What the party never sees changed
    (meta, narrative) stays as the custodian wrote it. What is open to claim, a party takes up by naming itself.
    """
    require_party(declared, stored, session.ancestors)
    writes = set(declared.party_writes)
    if declared.claim and claims(declared, stored, sent, session.caller.organization):
        writes.add(declared.claim)
    elif OPEN_TO_CLAIM in _parties(declared, stored):
        require_named(declared, stored, session.ancestors)
    foreign = [name for name in {*stored, *sent} - _SERVERS - writes if not same(stored.get(name), sent.get(name))]
    if foreign:
        text = "Only the organization that holds the resource can change this element."
        raise HallpassError(Kind.FORBIDDEN, *(Issue(text, f"{declared.name}.{n}") for n in sorted(foreign)))
    kept = {k: v for k, v in stored.items() if k not in writes}
    return kept | {k: v for k, v in sent.items() if k in writes}


def claims(declared: ResourceType, stored: dict[str, Any], sent: dict[str, Any], organization: UUID) -> bool:
    """Whether a write takes up what is open to claim, for the organization."""
    return (
        OPEN_TO_CLAIM in _parties(declared, stored)
        and declared.claim is not None
        and local_id(sent.get(declared.claim), "Organization") == organization
    )


def require_party(declared: ResourceType, stored: dict[str, Any], ancestors: frozenset[UUID]) -> None:
    """Raise FORBIDDEN unless the caller is a party of what is stored, or could be, and parties write into its type."""
    require_named(declared, stored, ancestors | {OPEN_TO_CLAIM})


def require_named(declared: ResourceType, stored: dict[str, Any], organizations: frozenset[UUID]) -> None:
    """Raise FORBIDDEN unless one of these is a party of what is stored, and parties write into its type."""
    if not declared.party_writes or not _parties(declared, stored) & organizations:
        raise HallpassError(
            Kind.FORBIDDEN, "Another organization holds this resource. Only that organization can change it."
        )


def _parties(declared: ResourceType, stored: dict[str, Any]) -> frozenset[UUID]:
    targets = [parse_local(text) for text in declared.parties(stored)] if stored else []
    return frozenset(t[1] for t in targets if t)
