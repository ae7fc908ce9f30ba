"""One transaction of one caller: entered as that caller, and left by way of the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.db import read as store
from app.db.caller import Write, WriteKind, holds
from app.db.read import Seen
from app.db.rows import Stored
from app.db.write import NewVersion
from app.errors import HallpassError, Issue, Kind
from app.ledger.queries import Query
from app.limits.shares import Shares
from app.limits.stored import StoredBytes
from app.scopes import allows
from app.settings import Settings


class Filed(NamedTuple):
    """A version that is about to be stored, with its content and the time zone of its dates."""

    version: NewVersion
    content: dict[str, Any]
    zone: ZoneInfo

    @property
    def row(self) -> Stored:
        """The version's own columns."""
        return self.version.row


@dataclass(slots=True)
class Memory:
    """What a Bundle has found out under its locks, so that none of its entries asks again."""

    at: datetime | None = None
    """The time after the wait for the locks."""
    locked: set[tuple[UUID, UUID, WriteKind]] = field(default_factory=set)
    """Student, custodian and kind of the creations whose locks are held."""
    current: dict[UUID, Stored] = field(default_factory=dict)
    """The current versions, read under their locks."""
    visible: dict[UUID, Seen | None] = field(default_factory=dict)
    """What references lead to; None: to nothing that the caller sees."""
    held: dict[UUID, bool] = field(default_factory=dict)
    """Whether an organization's records are in the caller's custody."""
    filed: list[Filed] = field(default_factory=list)
    """What waits to be stored, all in one statement."""
    matches: dict[UUID, list[Stored]] = field(default_factory=dict)
    """What conditions have found, by their locks."""
    locks: dict[tuple[str, tuple[tuple[str, str], ...]], UUID] = field(default_factory=dict)
    """The names of the locks of conditions, by the type and what is asked."""
    tokens: set[tuple[str, str, str]] = field(default_factory=set)
    """Type, parameter and code of what was written: a condition that asks for one may find something else now."""
    types: set[str] = field(default_factory=set)
    """The types of what was written."""
    headers: dict[UUID, dict[str, str]] = field(default_factory=dict)
    """The headers of Subscriptions that are being written, as they are sent, by the mark that is stored."""

    def note(self, filed: Filed) -> None:
        """Add what waits to be stored."""
        self.filed.append(filed)
        self.types.add(filed.row.type)
        if filed.version.terms is not None:
            self.tokens |= {(filed.row.type, t.param, t.code) for t in filed.version.terms.tokens}

    def forget(self) -> None:
        """A write may have changed what is seen and who holds what."""
        self.visible.clear()
        self.held.clear()


@dataclass(frozen=True, slots=True)
class Session:
    """The caller inside a transaction: what it may do, and which organizations its own is part of."""

    connection: AsyncConnection
    caller: Caller
    settings: Settings
    ancestors: frozenset[UUID]
    zone: ZoneInfo
    operator: bool = False
    worker: bool = False
    """The worker writes for the caller what only the server sets: the status of a Subscription."""
    pending: set[tuple[str, UUID]] = field(default_factory=set)
    """Types and ids that this transaction gives out: what refers to them may be stored before they are."""
    claimed: set[UUID] = field(default_factory=set)
    """Ids of what this transaction is going to write: what they refer to now stops no deletion."""
    written: set[UUID] = field(default_factory=set)
    """Ids of what this transaction has written."""
    memory: Memory = field(default_factory=Memory)
    request: UUID = field(default_factory=uuid4)
    interaction: str = ""
    stored: StoredBytes | None = None
    """Where what the caller stores is counted; None: nowhere, for the operator."""
    costly: Shares | None = None
    """Where a costly search takes its client's turn; None: it takes none."""
    queries: list[Query] = field(default_factory=list)
    """What was asked of others' records, as it is entered on the ledger."""

    caseload: frozenset[UUID] | None = None
    """The students to whom the person's work is limited; None: it is not."""

    def write_once(self, resource_id: UUID) -> None:
        """Raise UNPROCESSABLE where this transaction wrote the resource before: its outcome would hang on an order.

        https://hl7.org/fhir/R4/http.html#trules
        """
        if resource_id in self.written:
            raise HallpassError(Kind.UNPROCESSABLE, "Two entries of the transaction write the same resource.")
        self.written.add(resource_id)

    def includes(self, student: UUID | None) -> bool:
        """Whether a student is in the caseload, where there is one."""
        return self.caseload is None or student in self.caseload

    def shows(self, row: Stored) -> bool:
        """Whether a row is the directory's, or of a student who is in the caseload."""
        return row.directory or self.includes(row.student)

    async def holds(self, custodian: UUID) -> bool:
        """Whether what an organization holds is in the caller's custody: its own, or that of a part of it."""
        if custodian == self.caller.organization:
            return True
        known = self.memory.held
        if custodian not in known:
            known[custodian] = await holds(self.connection, custodian)
        return known[custodian]

    async def visible(self, ids: Iterable[UUID]) -> dict[UUID, Seen]:
        """Of these ids, those of current resources that the caller sees; what a Bundle has asked is not asked again."""
        known, wanted = self.memory.visible, set(ids)
        found = {i: known[i] for i in wanted & known.keys()}
        found |= await store.visible(self.connection, wanted - known.keys())
        return {i: seen for i, seen in found.items() if seen is not None}

    async def remember(self, creations: Collection[Write], records: Iterable[UUID], references: Iterable[UUID]) -> None:
        """Look up for all entries of a Bundle what is there under the locks that it has just taken."""
        wanted = set(references)
        found = await store.visible(self.connection, wanted)
        self.memory.visible = {i: found.get(i) for i in wanted}
        self.memory.locked = {(w.compartment, w.custodian, w.kind) for w in creations}
        self.memory.current = await store.currents(self.connection, records)

    def locked_at(self, write: Write) -> datetime | None:
        """The time of the locks of a creation that this transaction holds already; None: it does not."""
        return self.memory.at if (write.compartment, write.custodian, write.kind) in self.memory.locked else None

    def require(self, type_name: str, letter: str) -> None:
        """Raise FORBIDDEN unless a scope allows this interaction, one of c, r, u, d, s, on this type."""
        if not self.operator:
            require(self.caller, type_name, letter)


def require(caller: Caller, type_name: str, letter: str) -> None:
    """Raise FORBIDDEN unless a scope of the caller's allows the interaction on the type."""
    if not allows(caller.scopes, type_name, letter):
        text = f"The token's scopes do not include system/{type_name}.{letter}."
        raise HallpassError(
            Kind.FORBIDDEN, Issue(text), headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        )
