"""What is done behind a link, by the access service: read the release, sign it, end it, open the copy.

The link's sender is the client, whose organization files the Consent: by the same use cases, and the same rule of
completeness, as by the API. Who signs is on the security log and in the evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.auth.clients import Client
from app.caller import Caller
from app.consent.signing import has_authority
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import reads, writes
from app.exchange.disclosures import require_held
from app.exchange.service import AccessService, PendingResult, Session
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.ledger import security_log
from app.resources import TYPES
from app.resources.paths import first, values
from app.resources.refs import parse_local
from app.scopes import parse_scope
from app.settings import Settings
from app.signing import evidence, page
from app.signing.catalog import Catalog
from app.signing.found import Found
from app.signing.links import END, SIGN, Link
from app.signing.terms import asked, signed_by, terms

Json = dict[str, Any]
SCOPES = frozenset(
    parse_scope(f"system/{s}")
    for s in ("Consent.ru", "DocumentReference.cr", "Organization.r", "Patient.r", "Provenance.c", "RelatedPerson.r")
)
"""The most that the pages do."""
LONGEST_NAME = 100
_DRAWING = re.compile(r"(?:[ML]\d{1,3} \d{1,3}){0,2000}")


class Unsigned(HallpassError):
    """A form without a name, without the tick, or with a drawing that is none; its text is a key of the catalog."""

    def __init__(self, key: str) -> None:
        super().__init__(Kind.UNPROCESSABLE, Issue(key))
        self.key = key


@dataclass(frozen=True, slots=True)
class Visit:
    """One person at one release."""

    access_service: AccessService
    settings: Settings
    client: Client
    link: Link
    request_id: UUID

    async def find(self, *, proven: bool = True) -> Found:
        """What the link leads to. Raises NOT_FOUND where it leads nowhere any more.

        `proven`: whether who follows it has shown the code; until then they are shown nothing of it.
        """
        found: list[Found] = []

        async def unit_of_work(session: Session) -> list[PendingResult]:
            found.append(await self._found(session))
            opened = "release opened to be signed" if self.link.act == SIGN else "release opened"
            await self._note(session, opened if proven else "link followed, and nothing shown", proven=proven)
            return []

        await self.access_service.perform(self._caller(), "read", unit_of_work, self.request_id)
        return found[-1]

    async def act(self, form: Mapping[str, str], words: Catalog, proof: str) -> str:
        """Sign or end, and answer the id of the evidence. Raises Unsigned, and what an update does."""
        name, drawing = " ".join(form.get("name", "").split()), form.get("drawing", "")
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or form.get("agree") != "yes":
            raise Unsigned("failed.name")
        if not _DRAWING.fullmatch(drawing):
            raise Unsigned("failed.drawing")
        made: list[str] = []

        async def unit_of_work(session: Session) -> list[PendingResult]:
            found = await self._found(session)
            at = datetime.now(UTC)
            told = page.evidence(self.link, found, words, name=name, drawing=drawing, at=at, proof=proof)
            stamp = at.isoformat(timespec="seconds")
            document = await self._file(session, found, words, told, stamp)
            made.append(document.rpartition("/")[2])
            changed = (
                signed_by(found.consent, self.link.signer, stamp, document)
                if self.link.act == SIGN
                else {**found.consent, "status": "inactive"}
            )
            validated = await validate_body(self.client.id, TYPES["Consent"], changed, self.settings)
            if_match = f'W/"{form.get("version", "")}"'
            await writes.update(session, TYPES["Consent"], validated, self.link.consent, if_match)
            await self._note(session, "release signed" if self.link.act == SIGN else "release ended")
            return []

        await self.access_service.perform(self._caller(), "update", unit_of_work, self.request_id)
        return made[-1]

    async def copy(self, document: str) -> bytes:
        """The copy of who signed. Raises NOT_FOUND for any other document."""
        result = await self.access_service.read(
            self._caller(), TYPES["DocumentReference"], document, None, request=self.request_id
        )
        content = parse(result.one.body)
        page_signed = evidence.page_of(content, f"Consent/{self.link.consent}", self.link.signer)
        if page_signed is None:
            raise not_found()
        return page_signed

    async def status(self) -> str:
        """Where the Consent stands."""
        result = await self.access_service.read(
            self._caller(), TYPES["Consent"], self.link.consent, None, request=self.request_id
        )
        return str(parse(result.one.body)["status"])

    async def _found(self, session: Session) -> Found:
        await require_held(session, "Consent", self.link.consent)
        consent = parse((await reads.read(session, TYPES["Consent"], self.link.consent)).pending[0].row.body)
        told = terms(consent)
        if told is None or not self._holds(consent):
            raise not_found()
        patient = await _content(session, str(first(consent, "patient.reference")))
        signer = patient
        if not self.link.signer.startswith("Patient/"):
            signer = await _content(session, self.link.signer)
            if self.link.act == SIGN and not has_authority(signer, session.zone, datetime.now(UTC)):
                raise not_found()
        names = {str(self.client.organization), *told.recipients}
        organizations = {n: str((await _content(session, f"Organization/{n}")).get("name", n)) for n in sorted(names)}
        return Found(consent, told, patient, signer, organizations, session.zone)

    def _holds(self, consent: Json) -> bool:
        """Whether the link's act is still to be done."""
        if self.link.act == END:
            performers = values(consent, "performer.reference")
            return consent["status"] == "active" and self.link.signer in performers
        return self.link.signer in asked(consent)

    async def _file(self, session: Session, found: Found, words: Catalog, told: str, stamp: str) -> str:
        """Keep the evidence, and answer its reference."""
        signed = evidence.Signed(
            consent=f"Consent/{self.link.consent}",
            patient=f"Patient/{found.patient['id']}",
            signer=self.link.signer,
            organization=f"Organization/{self.client.organization}",
            at=stamp,
            title=words("form.title"),
            language=words.language,
            page=told,
            minor=found.is_minor,
        )
        reference = await self._create(session, evidence.document(signed))
        await self._create(session, evidence.provenance(signed, reference))
        return reference

    async def _create(self, session: Session, content: Json) -> str:
        declared = TYPES[content["resourceType"]]
        validated = await validate_body(self.client.id, declared, content, self.settings)
        made = await writes.create(session, declared, validated)
        return f"{declared.name}/{made.pending[0].row.id}"

    async def _note(self, session: Session, what: str, *, proven: bool = True) -> None:
        who = f"by {self.link.signer}" if proven else f"by somebody who has the link of {self.link.signer}"
        text = f"{what}: Consent/{self.link.consent} {who}"
        await security_log.record(session.connection, "access", self.client.id, "0", text)

    def _caller(self) -> Caller:
        agent = (("subject_id", self.link.signer), ("subject_role", "Signer"))
        token = f"signing {self.link.mark}"
        return Caller(self.client.id, self.client.organization, SCOPES, frozenset(), token, agent)


async def _content(session: Session, reference: str) -> Json:
    """What a reference leads to. Raises NOT_FOUND."""
    target = parse_local(reference)
    if target is None or target[0] not in ("Organization", "Patient", "RelatedPerson"):
        raise not_found()
    found = await reads.read(session, TYPES[target[0]], str(target[1]))
    return parse(found.pending[0].row.body)
