"""One request of a person who is signed in: what they do goes through the access service, and is noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response

from app.caller import Caller
from app.errors import not_found
from app.exchange import reads
from app.exchange.caseload import with_caseload
from app.exchange.service import AccessService, PendingResult, Result, UnitOfWork
from app.exchange.service import Session as Transaction
from app.ledger import security_log
from app.office.roles import OPERATOR
from app.office.sessions import Session
from app.office.staff import Staff
from app.office.templates import render
from app.resources import TYPES
from app.resources.refs import as_uuid
from app.scopes import allows
from app.search.parse import parse
from app.search.query import Search
from app.settings import Settings
from app.web import html

MENU = (
    ("/office", "Students", "Patient", "s"),
    ("/office/releases", "Releases", "Consent", "s"),
    ("/office/referrals", "Referrals", "Task", "s"),
    ("/office/imports", "Imports", "Group", "s"),
    ("/office/emergencies", "Emergencies", "AuditEvent", "c"),
)
"""Path, name, and the type and interaction that a page's first question needs."""
OPERATORS_MENU = (
    ("/office/operator", "The network"),
    ("/office/operator/clients", "Clients and keys"),
    ("/office/operator/jobs", "Jobs"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and the time zone of the person's organization."""

    results: list[Result]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, by which session, and with which form."""

    staff: Staff
    session: Session
    caller: Caller
    access_service: AccessService
    settings: Settings
    request_id: UUID
    token: str
    form: Mapping[str, str] = field(default_factory=dict)

    def may(self, type_name: str, letter: str) -> bool:
        """Whether the person's role has an interaction on a type."""
        return allows(self.caller.scopes, type_name, letter)

    async def perform(self, interaction: str, unit_of_work: UnitOfWork, looked: str) -> Answer:
        """Do it in one transaction, and note in the same what was looked at: staff are held to account too."""
        zones: list[ZoneInfo] = []

        async def noted(transaction: Transaction) -> list[PendingResult]:
            zones.append(transaction.zone)
            own = await with_caseload(transaction, self.staff.caseload)
            found = await unit_of_work(own)
            if not all(own.shows(p.row) for f in found for p in f.pending):
                raise not_found()
            await security_log.record(transaction.connection, "access", self.caller.client, "0", looked)
            return found

        results = await self.access_service.perform(self.caller, interaction, noted, self.request_id)
        return Answer(results, zones[-1])

    def text(self, template: str, **values: object) -> str:
        """The text of a page for this person."""
        own = OPERATORS_MENU if self.staff.role is OPERATOR else ()
        menu = [*own, *((path, name) for path, name, kind, letter in MENU if self.may(kind, letter))]
        return render(template, staff=self.staff, menu=menu, token=self.token, may=self.may, **values)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page for this person."""
        return html(self.text(template, **values), status)


def about(what: str, type_name: str, id_: str) -> str:
    """What is noted as looked at. An id of another spelling leads nowhere, and is not noted."""
    return f"{what}: {type_name}/{id_}" if as_uuid(id_) else what


async def seen(transaction: Transaction, type_name: str, ids: set[str]) -> list[PendingResult]:
    """Those of these resources that the caller sees, each as a read."""
    found = []
    for each in sorted(ids):
        row = await reads.current(transaction, TYPES[type_name], each)
        if row is not None and not row.deleted:
            found.append(await reads.read(transaction, TYPES[type_name], each))
    return found


def search_of(transaction: Transaction, name: str, pairs: list[tuple[str, str]], most: int) -> Search:
    """A search of a type by these parameters, for one page of so many."""
    return parse(
        name,
        pairs,
        zone=transaction.zone,
        base_url=transaction.settings.fhir_base,
        default_count=most,
        max_count=most,
    )
