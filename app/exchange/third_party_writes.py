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


def as_party(
    declared: ResourceType, stored: dict[str, Any], sent: dict[str, Any], ancestors: frozenset[UUID]
) -> dict[str, Any]:
    """The stored resource with a party's elements taken from what was sent.

    Raises FORBIDDEN when the caller is no party, when anything else differs, or when a value is not the party's to
    set. What the party never sees changed (meta, narrative) stays as the custodian wrote it.
    """
    require_party(declared, stored, ancestors)
    foreign = [
        name
        for name in {*stored, *sent} - _SERVERS - set(declared.party_writes)
        if not same(stored.get(name), sent.get(name))
    ]
    if foreign:
        text = "Only the organization that holds the resource can change this element."
        raise HallpassError(Kind.FORBIDDEN, *(Issue(text, f"{declared.name}.{n}") for n in sorted(foreign)))
    for name, allowed in declared.party_values.items():
        if sent.get(name) not in allowed and sent.get(name) != stored.get(name):
            values = ", ".join(sorted(allowed))
            text = f"The other party may set {values}. Only the organization that holds it sets the rest."
            raise HallpassError(Kind.FORBIDDEN, Issue(text, f"{declared.name}.{name}"))
    kept = {k: v for k, v in stored.items() if k not in declared.party_writes}
    return kept | {k: v for k, v in sent.items() if k in declared.party_writes}


def require_party(declared: ResourceType, stored: dict[str, Any], ancestors: frozenset[UUID]) -> None:
    """Raise FORBIDDEN unless the caller is a party of what is stored, and the type is one that parties write into."""
    targets = [parse_local(text) for text in declared.parties(stored)] if stored else []
    if not declared.party_writes or not any(t and t[1] in ancestors for t in targets):
        raise HallpassError(
            Kind.FORBIDDEN, "Another organization holds this resource. Only that organization can change it."
        )
