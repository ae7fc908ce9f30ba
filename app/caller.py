"""The caller: one verified client, as the token said and nothing else did."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.scopes import EMERGENCY, Scope

BREAK_THE_GLASS = "BTG"
"""The purpose of use of an emergency. https://terminology.hl7.org/CodeSystem-v3-ActReason.html"""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified client for the length of one request.

    `organization` and `purposes` come from the client's registration by way of its token; no header or body
    can change them. `purposes` are v3-ActReason codes as asserted (not widened by the hierarchy).
    `agent` are the names and values by which the client's assertion said who is behind it; nothing rests on them.
    """

    client: str
    organization: UUID
    scopes: frozenset[Scope]
    purposes: frozenset[str]
    token: str
    agent: tuple[tuple[str, str], ...] = ()

    @property
    def in_emergency(self) -> bool:
        """Whether the token was given for an emergency: both its scope and its purpose say so, to open and to read."""
        return EMERGENCY in self.scopes and BREAK_THE_GLASS in self.purposes
