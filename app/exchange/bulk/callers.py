"""The client that asked for long work, as its job keeps it: what it may do is what its token allowed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.caller import Caller
from app.scopes import parse_scope


def packed(caller: Caller) -> dict[str, Any]:
    """A caller as a job keeps it."""
    return {
        "client": caller.client,
        "organization": str(caller.organization),
        "scopes": sorted(s.text for s in caller.scopes),
        "purposes": sorted(caller.purposes),
        "token": caller.token,
        "agent": [list(pair) for pair in caller.agent],
    }


def unpacked(found: dict[str, Any]) -> Caller:
    """The caller that a job keeps."""
    return Caller(
        client=found["client"],
        organization=UUID(found["organization"]),
        scopes=frozenset(parse_scope(text) for text in found["scopes"]),
        purposes=frozenset(found["purposes"]),
        token=found["token"],
        agent=tuple((name, value) for name, value in found["agent"]),
    )
