"""What a caller may write: create, update and delete, each inside its own custody (a Task's parties aside).

https://hl7.org/fhir/R4/http.html#create and following. The custodian is set from the writer and never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.consent import confirming
from app.consent.attributes import resource_attributes, students_of
from app.consent.codes import CONFIRMED_BY
from app.db import read as store
from app.db import write
from app.db.caller import Write, lock_writes
from app.db.rows import Stored
from app.db.write import NewVersion
from app.errors import HallpassError, Issue, Kind, not_found, not_found_to_update
from app.exchange import reads, subscribing
from app.exchange.answers import with_answers_judged
from app.exchange.coded import require_coded
from app.exchange.contacts import contacts_kept, require_carried
from app.exchange.ended import require_not_widened
from app.exchange.identifiers import resolve
from app.exchange.lock_kinds import create_kind, update_kind
from app.exchange.merge_links import keep_links
from app.exchange.reference_check import Target, check_references, require_seen, targets
from app.exchange.referrals import require_transition
from app.exchange.release import PendingResult, PendingRow
from app.exchange.statements import kept
from app.exchange.third_party_writes import as_party, judging, require_own_entry, require_party
from app.exchange.unsigned import unsigned
from app.exchange.validated import Draft, Validated
from app.fhir.body import compose, filed_by
from app.fhir.etags import names
from app.fhir.json import canonical, parse
from app.limits.long_work import LARGE_BYTES, is_large, off_loop
from app.projections.steps import is_at_once, update_projections
from app.resources import ResourceType, Visibility
from app.resources.refs import as_uuid
from app.search.terms import terms
from app.session import Filed, Session
from app.telemetry.stages import stage


async def create(
    session: Session, declared: ResourceType, validated: Validated, own_id: UUID | None = None
) -> PendingResult:
    """Store a new resource in the caller's custody. `own_id` is for the operator and for transaction Bundles."""
    session.require(declared.name, "c")
    resource_id = own_id or uuid4()
    session.write_once(resource_id)
    if declared.name in ("Consent", "QuestionnaireResponse"):  # what they name may be in the same transaction
        await store_filed(session)
    content = await with_answers_judged(session, declared, await resolve(session, declared, validated))
    if declared.name == subscribing.TYPE:
        content = subscribing.without_secrets(session, resource_id, content)
    compartment = _compartment(declared, content, resource_id)
    kind = create_kind(declared.name, content)
    place = Write(compartment, session.caller.organization, resource_id, kind)
    wanted = targets(session, content, {}, (declared.name, resource_id))
    at = session.locked_at(place)
    if at is not None:
        await check_references(session, wanted)
    else:
        await store_filed(session)
        at = await _locked_to_create(session, place, wanted)
    row = await _file(session, declared, content, None, (compartment, resource_id), "POST", at)
    return PendingResult((PendingRow(row, advice=await _advice(session, row, content)),), created=True)


async def _locked_to_create(session: Session, place: Write, wanted: Mapping[str, Target | None]) -> datetime:
    """Take the locks of a creation and check its references. Who may not see the student waits for nobody."""
    ids = {target[1] for target in wanted.values() if target}
    at, types = await store.lock_create(session.connection, place, ids)
    require_seen(wanted, types)
    if at is None:  # it is created by this transaction, or the reference to it was refused just now
        at = await lock_writes(session.connection, [place])
    return at


async def update(
    session: Session,
    declared: ResourceType,
    draft: Validated | Draft,
    resource_id: str,
    if_match: str | None,
    method: str = "PUT",
    seen: Stored | None = None,
    *,
    statements: bool = False,
    confirms: bool = False,
) -> PendingResult:
    """Store a new version; the same content again stores none. There is no create by PUT: an unknown id is 404.

    `seen`: the version that led here, where one did. Statements about a contested record stay, unless they are what the
    update is about (`statements`); so do confirmations of a release, unless it is confirmed once more (`confirms`).
    """
    session.require(declared.name, "u")
    absent = not_found_to_update if method == "PUT" else not_found
    old, at = await _held(session, declared, resource_id, if_match, seen, absent)
    if draft.content.get("id") != resource_id:
        raise HallpassError(Kind.INVALID, Issue("The id in the body is not the one in the URL.", f"{declared.name}.id"))
    if old.expunged:
        raise HallpassError(Kind.GONE, "The resource was expunged, and stays so. To hold it again, create another.")
    held = await session.holds(old.custodian)
    if held and not old.deleted and _is_stored(old, draft.content):
        return PendingResult((PendingRow(old),), unchanged=True)
    content = await resolve(session, declared, await draft.validated())
    content = _with_what_stays(old, content, statements=statements, confirms=confirms)
    if not held:
        stored = parse(old.body) if old.body else {}
        require_party(declared, stored, session.ancestors)
        with judging(session, old):
            content = as_party(declared, stored, content, session)
            await require_coded(session, declared, stored, content)
    if method == "PUT" and b'"replace' in old.body:
        content = keep_links(content, parse(old.body))
    if method == "PUT":
        content = contacts_kept(old, content)
    content = await with_answers_judged(session, declared, content)
    if declared.name == subscribing.TYPE:
        content = subscribing.without_secrets(session, old.id, content)
    if not old.deleted and _digest(content) == old.digest:
        return PendingResult((PendingRow(old),), unchanged=True)
    if _compartment(declared, content, old.id) != old.compartment:
        text = "A record stays with its student. To move it, end this record and create another."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{declared.name}.{declared.student}", "business-rule"))
    with judging(session, old):
        place = (old.compartment, old.id)
        row = await _file(session, declared, content, old, place, method, at, confirms=confirms)
    return PendingResult((PendingRow(row, advice=await _advice(session, row, content)),))


def _with_what_stays(old: Stored, content: dict[str, Any], *, statements: bool, confirms: bool) -> dict[str, Any]:
    content = content if statements else kept(old, content)
    if confirms or old.type != "Consent" or CONFIRMED_BY.encode() not in old.body:
        return content
    return confirming.kept(parse(old.body), content)


async def _advice(session: Session, row: Stored, content: dict[str, Any]) -> tuple[Issue, ...]:
    """What who files a release is warned of."""
    return await unsigned(session, row) if row.type == "Consent" and content.get("status") == "active" else ()


def _is_stored(old: Stored, content: dict[str, Any]) -> bool:
    """Whether a body, which may not have been judged yet, is what is stored."""
    return isinstance(content.get("meta", {}), dict) and _digest(content) == old.digest


async def delete(session: Session, declared: ResourceType, resource_id: str, if_match: str | None) -> PendingResult:
    """Store a version that is a deletion. What was deleted before stays so."""
    session.require(declared.name, "d")
    old, at = await _held(session, declared, resource_id, if_match)
    if not await session.holds(old.custodian):
        raise _not_yours()
    if old.deleted:
        return PendingResult(absent=True)
    await _require_never_active(session, declared, old)
    await require_unreferenced(session, {old.id}, apart=session.claimed | {old.id})
    await store_deletion(session, declared, old, at)
    if declared.name == subscribing.TYPE:
        await subscribing.forget(session, old.id)
    return PendingResult(absent=True)


async def store_deletion(session: Session, declared: ResourceType, old: Stored, at: datetime) -> None:
    """Store a version that is a deletion, with all that follows from it. Whoever calls has judged that it may be."""
    content = parse(old.body)
    row = old._replace(
        version=old.version + 1, deleted=True, updated=at, method="DELETE", body=b"", label_at=0, digest=b""
    )
    zone = await _zone(session, old.custodian)
    own = resource_attributes(declared, content, old.id, old.custodian, zone, content)
    await store_filed(session)
    await _store(session, Filed(NewVersion(row, own, None), content, zone))
    session.memory.forget()


async def _held(
    session: Session,
    declared: ResourceType,
    resource_id: str,
    if_match: str | None,
    seen: Stored | None = None,
    absent: Callable[[], HallpassError] = not_found,
) -> tuple[Stored, datetime]:
    """The current version, to be superseded: by `locked`, and once only in a transaction."""
    old, at = await locked(session, declared, resource_id, if_match, seen, absent)
    session.write_once(old.id)
    return old, at


async def locked(
    session: Session,
    declared: ResourceType,
    resource_id: str,
    if_match: str | None,
    seen: Stored | None = None,
    absent: Callable[[], HallpassError] = not_found,
) -> tuple[Stored, datetime]:
    """The current version under its compartment's lock, and the time. Raises `absent`, or PRECONDITION by If-Match."""
    if (known := _known(session, declared, resource_id)) is not None:
        _require_version(session, known[0], if_match)
        return known
    await store_filed(session)
    seen = seen or await reads.current(session, declared, resource_id)
    if seen is None:
        raise absent()
    kind = await update_kind(session, declared.name, seen.custodian)
    found = await store.lock_current(
        session.connection, declared.name, Write(seen.compartment, seen.custodian, seen.id, kind)
    )
    if found is None:
        raise absent()
    _require_version(session, found[0], if_match)
    return found


def _known(session: Session, declared: ResourceType, resource_id: str) -> tuple[Stored, datetime] | None:
    """What a Bundle has read under its locks."""
    found, own = session.memory.at, as_uuid(resource_id)
    row = session.memory.current.get(own) if own is not None else None
    return (row, found) if row is not None and found is not None and row.type == declared.name else None


def _require_version(session: Session, row: Stored, if_match: str | None) -> None:
    with judging(session, row):
        if if_match is not None and not names(if_match, row.version):
            text = "The resource has changed since the version in If-Match. Read it again."
            raise HallpassError(Kind.PRECONDITION, text)


async def _file(
    session: Session,
    declared: ResourceType,
    content: dict[str, Any],
    old: Stored | None,
    place: tuple[UUID, UUID],
    method: str,
    at: datetime,
    *,
    confirms: bool = False,
) -> Stored:
    """Store `content` as the next version, with all that follows from it. `place`: the compartment and the id."""
    compartment, resource_id = place
    custodian = old.custodian if old else session.caller.organization
    client, large = session.caller.client, is_large(content)
    stored = old.body if old and old.body else b"{}"
    before = await off_loop(client, partial(parse, stored), large=len(stored) > LARGE_BYTES)
    if old is not None:
        await check_references(session, targets(session, content, before, (declared.name, resource_id)))
    zone = await _zone(session, custodian)
    await require_own_entry(session, declared, content)
    if declared.name in ("Consent", "Task"):  # what they are held to may be in the same transaction
        await store_filed(session)
    await require_transition(session, declared, content, before, old)
    if declared.name == "ServiceRequest" and ("basedOn" in content or "replaces" in content):
        await store_filed(session)
        await require_carried(session, content)
    content = filed_by(content, session.caller.organization)
    if declared.name == "Consent":
        await require_not_widened(session, before, content, (compartment, resource_id), zone, confirms=confirms)
    if declared.name == subscribing.TYPE:
        content = await subscribing.admit(session, resource_id, content, before)
    version = old.version + 1 if old else 1
    own, (body, label_at), digest, found = await off_loop(
        client,
        lambda: (
            resource_attributes(declared, content, resource_id, custodian, zone, before),
            compose(declared.name, resource_id, version, at, content),
            _digest(content),
            terms(declared.name, content, zone, session.settings.fhir_base),
        ),
        large=large,
    )
    if session.stored is not None:
        session.stored.count(client, len(body))
    row = Stored(
        compartment, resource_id, version, declared.name, custodian, own.student, own.directory, True, False, at,
        method,
        body, label_at, digest,
    )  # fmt: skip
    await _store(session, Filed(NewVersion(row, own, found), content, zone))
    if declared.name == subscribing.TYPE:
        await store_filed(session)
        await subscribing.keep(session, row, content, before)
    return row


async def _store(session: Session, filed: Filed) -> None:
    """Store a version, with what follows from it: at once, or with the others of a Bundle where nothing hangs on it."""
    session.memory.note(filed)
    if session.memory.at is None or filed.version.terms is None or is_at_once(filed.row.type):
        await store_filed(session)


async def store_filed(session: Session) -> None:
    """Store what a Bundle has put together so far: what comes next may read it."""
    filed = session.memory.filed
    if not filed:
        return
    session.memory.filed = []
    with stage("write"):
        await write.put_many(session.connection, [f.version for f in filed])
        await update_projections(session, filed)
    if any(is_at_once(f.row.type) for f in filed):
        session.memory.forget()


def _compartment(declared: ResourceType, content: dict[str, Any], resource_id: UUID) -> UUID:
    """The student's id, or outside a compartment the resource's own."""
    if declared.visibility is not Visibility.COMPARTMENT:
        return resource_id
    students = students_of(declared, content, resource_id)
    if len(students) == 1:
        return next(iter(students))
    text, code = "The record must reference its student: a Patient of this server.", "required"
    if students:
        text, code = "The record references several students. Store one record for each of them.", "business-rule"
    raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{declared.name}.{declared.student}", code))


async def _zone(session: Session, custodian: UUID) -> ZoneInfo:
    return (
        session.zone if custodian == session.caller.organization else (await store.zone(session.connection, custodian))
    )


async def _require_never_active(session: Session, declared: ResourceType, old: Stored) -> None:
    if not declared.deletable:
        bodies = await store.bodies(session.connection, old.compartment, old.id)
        if any(parse(body).get("status") == "active" for body in bodies):
            text = "A Consent that was active cannot be deleted. End it: set its status to inactive."
            raise HallpassError(Kind.CONFLICT, Issue(text, f"{declared.name}.status", "business-rule"))


async def require_unreferenced(session: Session, ids: Collection[UUID], *, apart: Collection[UUID]) -> None:
    """Raise CONFLICT where a resource that the caller sees, apart from these, refers to one that is deleted."""
    if ids and await store.are_referred_to(session.connection, ids, apart):
        text = "Resources that you can see refer to it. Delete them or change them first, or in the same transaction."
        raise HallpassError(Kind.CONFLICT, Issue(text, None, "conflict"))


def _digest(content: dict[str, Any]) -> bytes:
    """Of what the writer says: the id and who filed it are the server's."""
    meta = {k: v for k, v in content.get("meta", {}).items() if k != "source"}
    return sha256(canonical({k: v for k, v in content.items() if k != "id"} | {"meta": meta})).digest()


def _not_yours() -> HallpassError:
    return HallpassError(
        Kind.FORBIDDEN, "Another organization holds this resource. Only that organization can change it."
    )
