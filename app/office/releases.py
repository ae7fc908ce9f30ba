"""Releases of the member: which are signed, which end soon, which are drafts, and one of them to preview or to end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import explaining, reads, writes
from app.exchange.disclosures import require_held
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.office import asking, words
from app.office.access import DRAFTS, by_reference, counted, organization, signature
from app.office.guard import get, post
from app.office.parameters import Parts, read, reference
from app.office.visit import Visit, about, search_of, seen
from app.resources import TYPES
from app.resources.paths import first, values
from app.resources.refs import as_uuid, local_id
from app.signing.catalog import CATALOGS
from app.signing.terms import terms
from app.web import see_other

MOST = 200
SOON = timedelta(days=30)
Json = dict[str, Any]
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A release in a list."""

    id: str
    student: str
    student_id: str
    state: str
    signed: str
    end: str
    soon: bool
    sort: str


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, "/office/releases", _all)
    get(router, "/office/students/{id}/releases", _of_student)
    get(router, "/office/releases/{id}", _one)
    post(router, "/office/releases/{id}/end", _end)


async def _all(_request: Request, visit: Visit) -> Response:
    rows, more = await _listed(visit, [("status", "active,draft,proposed")], "releases")
    return visit.page("releases.html", title="Releases", rows=rows, more=more, most=MOST)


async def _of_student(request: Request, visit: Visit) -> Response:
    student = request.path_params["id"]
    if as_uuid(student) is None:
        raise not_found()
    rows, more = await _listed(
        visit, [("patient", f"Patient/{student}")], about("releases", "Patient", student), student
    )
    return visit.page("releases.html", title="Releases of one student", rows=rows, more=more, most=MOST)


async def _listed(visit: Visit, pairs: Pairs, looked: str, student: str | None = None) -> tuple[list[Row], bool]:
    """Releases that the member holds, those that end first before others; MOST of them, and whether there are more."""

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        if student is not None:
            await require_held(transaction, "Patient", student)
        found = [await reads.held(transaction, search_of(transaction, "Consent", pairs, MOST))]
        if ids := {str(p.row.compartment) for p in found[0].pending}:
            wanted = search_of(transaction, "Patient", [("_id", ",".join(sorted(ids))), ("_total", "none")], MOST)
            found.append(await reads.search(transaction, wanted, None))
        return found

    answer = await visit.perform("search", unit_of_work, looked)
    found = by_reference(answer.results)
    listed = [_row(c, found, answer.zone) for k, c in found.items() if k.startswith("Consent/")]
    return sorted(listed, key=lambda r: r.sort), (answer.results[0].total or 0) > MOST


def _row(consent: Json, found: dict[str, Json], zone: ZoneInfo) -> Row:
    end = str(first(consent, "provision.period.end") or "")
    student = str(local_id(consent.get("patient")))
    active = consent["status"] == "active"
    return Row(
        id=consent["id"],
        student=words.name(found.get(f"Patient/{student}", {})),
        student_id=student,
        state=words.state(consent["status"]),
        signed=words.date_of(consent.get("dateTime"), zone),
        end=words.date_of(end, zone),
        soon=active and _soon(end, zone),
        sort=f"{0 if active else 1}{end or '9999'}{consent['id']}",
    )


def _soon(end: str, zone: ZoneInfo) -> bool:
    """Whether a day is over, or less than SOON ahead."""
    try:
        return date.fromisoformat(end[:10]) <= (datetime.now(zone) + SOON).date()
    except ValueError:
        return False


async def _one(request: Request, visit: Visit, wrong: str = "", status: int = 200) -> Response:
    consent_id = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        await require_held(transaction, "Consent", consent_id)
        consent = await reads.read(transaction, TYPES["Consent"], consent_id)
        content = parse(consent.pending[0].row.body)
        preview = PendingResult(document={})
        if content["status"] in DRAFTS:
            validated = await validate_body(visit.caller.client, TYPES["Consent"], content, visit.settings)
            preview = await explaining.preview(transaction, validated)
        named = {str(i) for r in _recipients(content) if (i := local_id(r, "Organization"))}
        named |= {reference(o) for p in read(preview.document, "recipient") for o in p.get("organization", [])}
        signers = {str(i) for r in content.get("performer", []) if (i := local_id(r, "RelatedPerson"))}
        people = await seen(transaction, "RelatedPerson", signers)
        people += await asking.related(transaction, content) if visit.may("Consent", "u") else []
        patient = await seen(transaction, "Patient", {str(local_id(content.get("patient")))})
        return [preview, consent, *patient, *people, *await seen(transaction, "Organization", named)]

    answer = await visit.perform("explain", unit_of_work, about("release", "Consent", consent_id))
    found = by_reference(answer.results)
    consent = found[f"Consent/{consent_id}"]
    return visit.page(
        "release.html",
        status,
        wrong=wrong,
        **_shown(consent, found, answer.zone),
        **_previewed(answer.results[0].document, found, draft=consent["status"] in DRAFTS),
        **_to_sign(consent, found, answer.zone),
    )


def _shown(consent: Json, found: dict[str, Json], zone: ZoneInfo) -> Json:
    student = str(local_id(consent.get("patient")))
    provision = consent.get("provision", {})
    return {
        "id": consent["id"],
        "version": consent["meta"]["versionId"],
        "student": words.name(found.get(f"Patient/{student}", {})),
        "student_id": student,
        "state": words.state(consent["status"]),
        "active": consent["status"] == "active",
        "signed": signature(consent, found, zone),
        "form": str(first(consent, "sourceAttachment.title") or ""),
        "recipients": [_recipient(r, found) for r in _recipients(consent)],
        "what": words.classes(provision),
        "purposes": words.purposes(values(provision, "purpose.code")),
        "begin": words.date_of(first(provision, "period.start"), zone),
        "end": words.date_of(first(provision, "period.end"), zone),
        "exceptions": len(values(provision, "provision")),
    }


def _to_sign(consent: Json, found: dict[str, Json], zone: ZoneInfo) -> Json:
    """Who can be asked to sign it or to end it, and for whom it waits."""
    people = asking.signers(consent, found, zone)
    return {
        "signers": people,
        "waits": [s.name for s in people if s.waits],
        "plain": terms(consent) is not None,
        "ways": asking.WAYS,
        "languages": [(code, texts("language")) for code, texts in CATALOGS.items()],
    }


def _recipients(consent: Json) -> list[Json]:
    """Whom the root provision names as recipient."""
    actors = values(consent, "provision.actor")
    return [a["reference"] for a in actors if "IRCP" in values(a, "role.coding.code") and "reference" in a]


def _recipient(named: Json, found: dict[str, Json]) -> str:
    target = local_id(named, "Organization")
    if target is not None:
        return organization(str(target), found)
    return str(named.get("display") or first(named, "identifier.value") or "(an organization)")


def _previewed(document: Json | None, found: dict[str, Json], *, draft: bool) -> Json:
    """What a draft lacks, and what it would open to whom."""

    def who(parts: Parts) -> str:
        if "class" in parts:
            return f"Class of recipients: {parts['class'][0]}"
        return organization(reference(parts["organization"][0]), found)

    return {
        "draft": draft,
        "missing": [p["text"][0] for p in read(document, "missing")],
        "would": [
            {
                "who": who(p),
                "opens": counted(p.get("opens", [])),
                "keeps": [f"{words.of_type(k['type'][0])}: {k['why'][0]}" for k in p.get("keeps", [])],
                "warnings": p.get("warning", []),
            }
            for p in read(document, "recipient")
        ],
    }


async def _end(request: Request, visit: Visit) -> Response:
    """End a release: what left because of it stays where it is, and nothing leaves after the answer."""
    consent_id = request.path_params["id"]
    if visit.form.get("sure") != "yes":
        return await _one(request, visit, "Tick the box if the release is to end.", 422)

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        await require_held(transaction, "Consent", consent_id)
        current = await reads.read(transaction, TYPES["Consent"], consent_id)
        content = parse(current.pending[0].row.body)
        if content["status"] != "active":
            raise HallpassError(Kind.CONFLICT, Issue("The release is not in force any more."))
        ended = {**content, "status": "inactive"}
        validated = await validate_body(visit.caller.client, TYPES["Consent"], ended, visit.settings)
        if_match = f'W/"{visit.form.get("version", "")}"'
        return [await writes.update(transaction, TYPES["Consent"], validated, consent_id, if_match)]

    try:
        await visit.perform("update", unit_of_work, about("release ended", "Consent", consent_id))
    except HallpassError as e:
        if e.kind is not Kind.PRECONDITION:
            raise
        return await _one(request, visit, "The release was changed meanwhile. Look at it again.", e.status)
    return see_other(f"/office/releases/{consent_id}")
