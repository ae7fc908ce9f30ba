"""A student who changes district: one proposes, the other accepts, and the education records are copied.

34 CFR 99.31(a)(2) lets a school disclose them to officials of one where the student enrolls, and 99.34 asks that the
parent knows of it. The old district's releases end; the new one asks for signatures of its own.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from app.caller import Caller
from app.consent.codes import ADULT_GUARDIAN, GUARDIAN_AUTHORITY
from app.consent.regimes import BY_CODING, BY_URI
from app.db import read as store
from app.db import transfers
from app.db.transfers import Transfer as Transfer
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import lock_order, patching, reads, writes
from app.exchange.disclosures import require_held
from app.exchange.release import PendingResult
from app.exchange.validated import Validated, validate_now
from app.fhir.dates import instant
from app.fhir.json import parse
from app.ledger.disclose import agent
from app.limits.results import Budget
from app.resources import REGISTRY, TYPES, Visibility
from app.resources.paths import values
from app.resources.refs import as_uuid, local_id, local_targets, parse_local
from app.scopes import EMERGENCY, grant, parse_scope
from app.session import Session

Json = dict[str, Any]
OPEN_FOR = timedelta(days=60)
"""How long a proposal can be accepted."""
MOST = 200
NOTICES = {
    "initiated-by-parent": "34 CFR 99.34(a)(1)(i)",
    "annual-notice": "34 CFR 99.34(a)(1)(ii)",
    "parent-notified": "34 CFR 99.34(a)(1)",
}
"""How the parent or the eligible student knows of the disclosure, and the paragraph."""
_EDUCATION = ("http://terminology.hl7.org/CodeSystem/organization-type", "edu")
HANDED_OVER = tuple(
    t.name
    for t in REGISTRY
    if t.visibility is Visibility.COMPARTMENT and t.name not in ("Consent", "Provenance") and not t.party_writes
)
"""The types that a transfer copies, as hallpass.accept_transfer does: who proposes one may read them all."""
Copies = dict[tuple[str, UUID], UUID]
"""The new id of each copied record, by type and old id."""
_LEFT: Any = object()
_NOT_COPIED = {"display": "A record that was not transferred"}
_SERVERS = frozenset({"versionId", "lastUpdated", "source"})


async def propose(session: Session, patient: str, to: UUID, notice: str) -> PendingResult:
    """A proposal that the new district can accept. Raises NOT_FOUND, UNPROCESSABLE; FORBIDDEN without the scopes."""
    _require_scopes(session)
    student = await require_held(session, "Patient", patient)
    own = session.caller.organization
    row = await reads.current(session, TYPES["Patient"], patient)
    if row is None or row.deleted or row.custodian != own:
        raise not_found()
    if notice not in NOTICES:
        raise _refused(f"Say how the parent knows of it. Use one of: {', '.join(NOTICES)}.", "notice")
    if to == own or not await _is_school(session, to):
        text = "The new district is another Organization of this server, of type edu (organization-type)."
        raise _refused(text, "to")
    await _require_transferable(session, student)
    proposal = uuid4()
    scopes = sorted(s.text for s in session.caller.scopes)
    who = (session.caller.client, scopes, sorted(session.caller.purposes), notice, OPEN_FOR)
    await transfers.propose(session.connection, proposal, student, (own, to), *who)
    kept = await transfers.one(session.connection, proposal)
    assert kept is not None
    return PendingResult(document=_report([kept], own))


def _require_scopes(session: Session) -> None:
    for type_name in HANDED_OVER:
        session.require(type_name, "r")
    session.require("Consent", "u")


async def _is_school(session: Session, to: UUID) -> bool:
    school = await reads.current(session, TYPES["Organization"], str(to))
    codings = values(parse(school.body), "type.coding") if school and not school.deleted else ()
    return _EDUCATION in [(c.get("system"), c.get("code")) for c in codings]


async def _require_transferable(session: Session, student: UUID) -> None:
    """Raise TOO_COSTLY for a student with more records than one transfer copies."""
    records, size = await transfers.size(session.connection, student, session.caller.organization)
    settings = session.settings
    if records > settings.max_released or size > settings.max_result_bytes:
        text = (
            f"The student has {records} records to copy, of {size} bytes. One transfer copies {settings.max_released}"
            f" of {settings.max_result_bytes} bytes together. The operator of the exchange can raise"
            " HALLPASS_MAX_RELEASED and HALLPASS_MAX_RESULT_BYTES."
        )
        raise HallpassError(Kind.TOO_COSTLY, text)


async def listed(session: Session) -> PendingResult:
    """The proposals that the caller made, or can accept, the latest first."""
    session.require("Patient", "r")
    found = await transfers.listed(session.connection, MOST)
    return PendingResult(document=_report(found, session.caller.organization))


async def withdraw(session: Session, transfer: UUID) -> PendingResult:
    """Take back a proposal that is not accepted yet. Raises NOT_FOUND."""
    session.require("Consent", "u")
    if not await transfers.withdraw(session.connection, transfer):
        raise not_found()
    return PendingResult(document=_report([], session.caller.organization))


async def pending(session: Session, transfer: UUID) -> Transfer:
    """A proposal that the caller may accept. Raises NOT_FOUND, and FORBIDDEN without the scopes for what is copied."""
    session.require("Patient", "c")
    found = await transfers.one(session.connection, transfer)
    now = await store.moment(session.connection)
    if found is None or found.recipient != session.caller.organization or found.accepted or found.closes <= now:
        raise not_found()
    return found


async def proposer(session: Session, transfer: Transfer) -> Caller:
    """The client that proposed it, with what it might do then and may now: in its name the releases end."""
    held = frozenset(map(parse_scope, await transfers.held_scopes(session.connection, transfer.client)))
    scopes = grant(" ".join(transfer.scopes), held).scopes - {EMERGENCY}
    return Caller(transfer.client, transfer.custodian, scopes, frozenset(transfer.purposes), "")


async def end_releases(session: Session, transfer: Transfer) -> list[PendingResult]:
    """End each active release of the student, as who proposed it: what holds of a proposal holds still.

    Raises CONFLICT where it was taken back, and as `propose` does.
    """
    own = session.caller.organization
    _require_scopes(session)
    if not await _is_school(session, transfer.recipient):
        raise HallpassError(Kind.CONFLICT, "The organization that accepts is a school no more.")
    await _require_transferable(session, transfer.compartment)
    held = await store.bodies_held(session.connection, transfer.compartment, "Consent", own, uuid4())
    active = [c for c in map(parse, held) if c.get("status") == "active"]
    kept = [w for w in transfer.waiting if w["consent"] not in {c["id"] for c in active}]
    if not await transfers.ended(session.connection, transfer.id, [*kept, *(_told(c) for c in active if _is_plain(c))]):
        raise HallpassError(Kind.CONFLICT, "The proposal was taken back, or is accepted already.")
    return [
        await patching.patch(
            session, TYPES["Consent"], c["id"], lambda content: {**content, "status": "inactive"}, None
        )
        for c in active
    ]


async def accept(session: Session, transfer: UUID) -> PendingResult:
    """Copy the education records into the caller's custody. Raises NOT_FOUND, TOO_COSTLY, and as a creation does."""
    caller = session.caller
    found = await transfers.accept(
        session.connection, transfer, agent(caller), sorted(caller.purposes), session.request
    )
    kept = await transfers.one(session.connection, transfer)
    if not found or kept is None:
        raise not_found()
    Budget.of_whole(session.settings).require(sum(len(body) for _, _, body in found), len(found))
    ids = {(kind, own): uuid4() for kind, own, _ in found}
    session.pending.update((kind, new) for (kind, _), new in ids.items())
    copies = [(kind, ids[kind, own], _filed(session, kind, parse(body), ids)) for kind, own, body in found]
    student = ids["Patient", kept.compartment]
    created = [lock_order.Creation(kind, student, copy.content) for kind, _, copy in copies]
    named = {target[1] for _, _, copy in copies for target in local_targets(copy.content)}
    await lock_order.records(session, (), created, named - set(ids.values()))
    for kind, new, copy in copies:
        await writes.create(session, TYPES[kind], copy, new)
    await writes.store_filed(session)
    report = _report([kept], caller.organization)
    report["parameter"] += [{"name": "patient", "valueReference": {"reference": f"Patient/{student}"}}]
    counts = Counter(kind for kind, _, _ in found)
    report["parameter"] += [
        {"name": "copied", "part": [{"name": "type", "valueCode": k}, {"name": "count", "valueInteger": n}]}
        for k, n in sorted(counts.items())
    ]
    return PendingResult(document=report)


def _filed(session: Session, kind: str, content: Json, ids: Copies) -> Validated:
    """A copy, judged: a reference to what stayed behind is kept as a display only where its element has to be there."""
    try:
        return validate_now(TYPES[kind], _copy(content, ids, _LEFT), session.settings.fhir_base)
    except HallpassError:
        return validate_now(TYPES[kind], _copy(content, ids, _NOT_COPIED), session.settings.fhir_base)


def _copy(content: Json, ids: Copies, instead: Any) -> Json:
    """A record as the new custodian files it: its own, among the records that came along.

    What a person at the old district marked to open (who has authority beyond the law's) is for the new one to mark.
    """
    meta = {k: v for k, v in content.get("meta", {}).items() if k not in _SERVERS}
    rest = {k: v for k, v in content.items() if k not in ("id", "meta", "extension")}
    opens = (GUARDIAN_AUTHORITY, ADULT_GUARDIAN)
    marks = [
        e for e in values(content, "extension") if not (e.get("url") in opens and e.get("valueBoolean") is not False)
    ]
    copied: Json = _pointing({**rest, **({"extension": marks} if marks else {})}, ids, instead)
    return {**copied, **({"meta": meta} if meta else {})}


def _pointing(node: Any, ids: Copies, instead: Any) -> Any:
    """The same with its references among the copies, and without those that lead to what stayed behind.

    `instead` stands for such a one. Where it is _LEFT, what held nothing else goes: it would tell that it was there.
    """
    if isinstance(node, list):
        return [v for n in node if (v := _pointing(n, ids, instead)) is not _LEFT] or _LEFT
    if not isinstance(node, dict):
        return node
    target = parse_local(node.get("reference"))
    if target is not None and TYPES[target[0]].visibility is not Visibility.DIRECTORY:
        return {**node, "reference": f"{target[0]}/{ids[target]}"} if target in ids else instead
    found = {k: v for k, n in node.items() if (v := _pointing(n, ids, instead)) is not _LEFT}
    attached = parse_local(node.get("url"))
    if attached is not None and attached in ids:
        found["url"] = f"{attached[0]}/{ids[attached]}"
    elif attached is not None:
        del found["url"]
    return found or _LEFT


def _is_plain(consent: Json) -> bool:
    """Whether a release is of plain education records: what another law is about, or a label, is not told on."""
    laws = [BY_URI.get(p.get("uri", "")) for p in values(consent, "policy")]
    laws += [BY_CODING.get((c.get("system"), c.get("code"))) for c in values(consent, "policyRule.coding")]
    by_parent = all(local_id(p, "RelatedPerson") for p in values(consent, "performer"))
    plain = all(law is not None and law.education_records for law in laws)
    return plain and by_parent and "securityLabel" not in str(consent.get("provision"))


def _told(consent: Json) -> Json:
    """What the new district is told of a release that ended: to whom, for what, of which types."""
    root = consent.get("provision", {})
    return {
        "consent": consent["id"],
        "recipients": [r for r in values(root, "actor.reference.reference") if str(r).startswith("Organization/")],
        "purposes": [c["code"] for c in values(root, "purpose") if "code" in c],
        "classes": [c["code"] for c in values(root, "class") if "code" in c],
    }


def _report(found: list[Transfer], own: UUID) -> Json:
    """Each proposal; which student it is about is said to who proposed it alone."""
    parts = [{"name": "transfer", "part": _parts(t, own)} for t in found]
    return {"resourceType": "Parameters", "parameter": parts}


def _parts(t: Transfer, own: UUID) -> list[Json]:
    parts: list[Json] = [
        {"name": "id", "valueId": str(t.id)},
        {"name": "from", "valueReference": {"reference": f"Organization/{t.custodian}"}},
        {"name": "to", "valueReference": {"reference": f"Organization/{t.recipient}"}},
        {"name": "notice", "valueCode": t.notice},
        {"name": "proposed", "valueInstant": instant(t.proposed)},
        {"name": "until", "valueInstant": instant(t.closes)},
    ]
    if own == t.custodian:
        parts.append({"name": "patient", "valueReference": {"reference": f"Patient/{t.compartment}"}})
    if t.accepted is None:
        return parts
    parts.append({"name": "accepted", "valueInstant": instant(t.accepted)})
    return [*parts, *({"name": "waiting", "part": _waiting(w)} for w in t.waiting)]


def _waiting(w: Json) -> list[Json]:
    parts: list[Json] = [{"name": "consent", "valueReference": {"reference": f"Consent/{w['consent']}"}}]
    parts += [{"name": "recipient", "valueReference": {"reference": r}} for r in w["recipients"]]
    return parts + [
        {"name": name, "valueCode": code}
        for name, key in (("purpose", "purposes"), ("type", "classes"))
        for code in w[key]
    ]


def _refused(text: str, name: str) -> HallpassError:
    issue = Issue(text, f"Parameters.parameter.where(name='{name}')", "value")
    return HallpassError(Kind.UNPROCESSABLE, issue)


def transfer_id(text: str) -> UUID:
    """The id of a proposal. Raises NOT_FOUND for what is none."""
    found = as_uuid(text)
    if found is None:
        raise not_found()
    return found
