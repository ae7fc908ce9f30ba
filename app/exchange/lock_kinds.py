"""Which locks a write takes: by what it may do to what others are seeing (docs/decisions/0029-locks.md)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.db.caller import WriteKind
from app.session import Session

RESTED_ON = frozenset({"Consent", "Patient", "RelatedPerson"})
"""The types whose writes decide when releases have effect."""


def create_kind(type_name: str, content: dict[str, Any]) -> WriteKind:
    """What the creation of a record may do to what is seen."""
    if type_name == "Consent":
        return "sign" if content.get("status") == "active" else "policy"
    return "policy" if type_name in RESTED_ON else "create"


async def update_kind(session: Session, type_name: str, custodian: UUID) -> WriteKind:
    """What an update or a deletion may do to what is seen."""
    if not await session.holds(custodian):
        return "party"
    return "policy" if type_name in RESTED_ON else "update"
