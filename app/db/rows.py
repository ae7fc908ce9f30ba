"""A stored resource version, as the reads hand it to the access service and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

EXPUNGED = b"{}"
"""The body of each version of what was expunged (schema/functions/expunge.sql)."""


class Stored(NamedTuple):
    """What a response and the ledger need of a version. Its columns are selected in this order."""

    compartment: UUID
    id: UUID
    version: int
    type: str
    custodian: UUID
    student: UUID | None
    directory: bool
    current: bool
    deleted: bool
    updated: datetime
    method: str
    body: bytes
    label_at: int
    digest: bytes

    @property
    def expunged(self) -> bool:
        """Whether its content was destroyed for good."""
        return self.deleted and self.body == EXPUNGED


class Ground(NamedTuple):
    """Under which Consent and version a record leaves; `scope`: what that opens, where the law asks to say so.

    `redisclosable`: its law does not keep the recipient from passing it on.
    """

    consent: UUID
    version: int
    scope: str | None
    redisclosable: bool

    @property
    def tag(self) -> str:
        """The Consent and its version, as an entity tag holds them."""
        return f"{self.consent.hex}.{self.version}"


Grounds = Mapping[tuple[UUID, int], Ground]
"""By the id and version of what leaves; of what no release opens there is none."""


@dataclass(frozen=True, slots=True)
class CallerState:
    """What the database answered to `hallpass.set_caller`: what the caller is part of, and its time zone."""

    ancestors: frozenset[UUID]
    zone: str
