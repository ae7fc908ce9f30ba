"""One transaction of one caller: entered as that caller, and left by way of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.db.caller import holds
from app.errors import HallpassError, Issue, Kind
from app.ledger.queries import Query
from app.scopes import allows
from app.settings import Settings


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
    request: UUID = field(default_factory=uuid4)
    interaction: str = ""
    queries: list[Query] = field(default_factory=list)
    """What was asked of others' records, as it is entered on the ledger."""

    def write_once(self, resource_id: UUID) -> None:
        """Raise UNPROCESSABLE where this transaction wrote the resource before: its outcome would hang on an order.

        https://hl7.org/fhir/R4/http.html#trules
        """
        if resource_id in self.written:
            raise HallpassError(Kind.UNPROCESSABLE, "Two entries of the transaction write the same resource.")
        self.written.add(resource_id)

    async def holds(self, custodian: UUID) -> bool:
        """Whether what an organization holds is in the caller's custody: its own, or that of a part of it."""
        return custodian == self.caller.organization or await holds(self.connection, custodian)

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
