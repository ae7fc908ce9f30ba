"""A signature is asked for: by a mail, by a printed link, or here in the office, where a code is given out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import segno
from fastapi import APIRouter, Request, Response

from app.consent.signing import has_authority
from app.errors import HallpassError, Issue, Kind
from app.exchange import reads, writes
from app.exchange.disclosures import require_held
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.keyring import Keyring
from app.notify.letter import send
from app.office import words
from app.office.access import by_reference
from app.office.guard import post
from app.office.visit import Visit, about, search_of
from app.resources import TYPES
from app.resources.paths import values
from app.resources.refs import local_id
from app.signing import contact
from app.signing.catalog import CATALOGS, catalog
from app.signing.links import END, LINK_SECONDS, MAIL, OFFICE, OFFICE_SECONDS, SIGN, Link, Links
from app.signing.mailing import link_mail
from app.signing.terms import asked, terms, with_asked

MOST = 50
WAYS = {
    "mail": "Send a mail with a link",
    "print": "Print a link; a code goes to the mail address on file",
    "office": "Here in the office: you look at who it is, and give out a code",
}
_DRAFTS = frozenset({"draft", "proposed"})
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who can be asked: a reference, a name, and whether there is a mail address that may be used."""

    reference: str
    name: str
    has_address: bool
    waits: bool


def add(router: APIRouter) -> None:
    """The route."""
    post(router, "/office/releases/{id}/ask", _ask)


async def related(transaction: Transaction, consent: Json) -> list[PendingResult]:
    """The RelatedPersons of the student of a Consent."""
    wanted = search_of(
        transaction,
        "RelatedPerson",
        [("patient", f"Patient/{local_id(consent.get('patient'))}"), ("_total", "none")],
        MOST,
    )
    return [await reads.search(transaction, wanted, None)]


def signers(consent: Json, found: dict[str, Json], zone: Any) -> list[Signer]:
    """Whose signature can be asked for, of a draft; or who can end it, of a signed release. Pure but for the clock."""
    waiting, performers = asked(consent), values(consent, "performer.reference")
    listed = []
    for reference, person in found.items():
        kind = reference.partition("/")[0]
        if kind == "Patient":
            name = f"{words.name(person)} (the student)"
        elif kind == "RelatedPerson" and has_authority(person, zone, datetime.now(UTC)):
            kin = words.relationship(person)
            name = f"{words.name(person)} ({kin})" if kin else words.name(person)
        else:
            continue
        open_to = consent["status"] in _DRAFTS and reference not in performers
        ending = consent["status"] == "active" and reference in performers
        if open_to or ending:
            listed.append(Signer(reference, name, contact.address(person) is not None, reference in waiting))
    return listed


async def _ask(request: Request, visit: Visit) -> Response:
    consent_id, form = request.path_params["id"], visit.form
    way, signer = form.get("way", ""), form.get("signer", "")

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        transaction.require("Consent", "u")
        await require_held(transaction, "Consent", consent_id)
        current = await reads.read(transaction, TYPES["Consent"], consent_id)
        content = parse(current.pending[0].row.body)
        patient = await reads.read(transaction, TYPES["Patient"], str(local_id(content.get("patient"))))
        people = [patient, *await related(transaction, content)]
        known = {f"{p.row.type}/{p.row.id}": parse(p.row.body) for r in people for p in r.pending}
        _require(content, signers(content, known, transaction.zone), signer, way)
        changed = with_asked(content, signer) if content["status"] in _DRAFTS else content
        if changed is not content:
            validated = await validate_body(visit.caller.client, TYPES["Consent"], changed, visit.settings)
            if_match = f'W/"{form.get("version", "")}"'
            current = await writes.update(transaction, TYPES["Consent"], validated, consent_id, if_match)
        return [current, *people]

    answer = await visit.perform("update", unit_of_work, about("signature asked for", "Consent", consent_id))
    found = by_reference(answer.results)
    act = SIGN if found[f"Consent/{consent_id}"]["status"] in _DRAFTS else END
    return await _given(visit, request.app.state.keyring, consent_id, found[signer], act)


def _require(consent: Json, possible: list[Signer], signer: str, way: str) -> None:
    chosen = next((s for s in possible if s.reference == signer), None)
    if chosen is None or way not in WAYS:
        raise HallpassError(Kind.UNPROCESSABLE, Issue("Choose who signs, and how."))
    if way != "office" and not chosen.has_address:
        text = "There is no mail address on file that may be used for this person. Have it signed here in the office."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text))
    if terms(consent) is None:
        text = "This release says more than the page can put in plain words. Have it signed on paper."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text))


async def _given(visit: Visit, keyring: Keyring, consent_id: str, person: Json, act: str) -> Response:
    """The link is given out; it stands nowhere but in the mail, or on this page."""
    way, now, links = visit.form["way"], time.time(), Links(keyring)
    tag = visit.form.get("language") or contact.language(person)
    language = catalog(tag).language
    signer = f"{person['resourceType']}/{person['id']}"
    seconds = OFFICE_SECONDS if way == "office" else LINK_SECONDS[act]
    proof = OFFICE if way == "office" else MAIL
    link = Link(visit.staff.client, consent_id, signer, act, proof, language, int(now) + seconds)
    url = f"{visit.settings.base_url}/sign/{links.token(link)}"
    if way == "mail":
        await send(visit.settings, link_mail(CATALOGS[language], contact.address(person) or "", link, url))
    code = links.code(link, now)
    return visit.page(
        "asked.html",
        id=consent_id,
        way=way,
        act=act,
        person=words.name(person),
        url=url,
        picture=segno.make(url, error="l").svg_inline(scale=3),
        code=f"{code[:4]} {code[4:]}" if way == "office" else "",
    )
