"""What a caller may write: create, update and delete, each inside its own custody (a Task's parties aside).

https://hl7.org/fhir/R4/http.html#create and following. The custodian is set from the writer and never changed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.consent.facts import facts, student_of
from app.consent.gate import reads
from app.consent.gate.door import Door
from app.consent.gate.ended import require_not_widened
from app.consent.gate.follow import follow
from app.consent.gate.lock_kinds import create_kind, update_kind
from app.consent.gate.parties import as_party
from app.consent.gate.prepared import Prepared
from app.consent.gate.released import Candidate, Found
from app.consent.gate.targets import require_targets
from app.errors import HallpassError, Issue, Kind, not_found
from app.fhir.body import compose
from app.fhir.etags import names
from app.fhir.json import canonical, parse
from app.resources import Reach, ResourceType
from app.search.terms import terms
from app.store import read as store
from app.store import write
from app.store.enter import Write, lock_writes
from app.store.rows import Stored


async def create(door: Door, declared: ResourceType, prepared: Prepared, own_id: UUID | None = None) -> Found:
    """Store a new resource in the caller's custody. `own_id` is for the operator and for transaction Bundles."""
    door.require(declared.name, "c")
    resource_id = own_id or uuid4()
    door.write_once(resource_id)
    shard = _shard(declared, prepared.content, resource_id)
    if shard != resource_id:  # who may not see the student does not wait for those who write about it
        await require_targets(door, prepared.content, {}, (declared.name, resource_id))
    kind = create_kind(declared.name, prepared.content)
    at = await lock_writes(door.connection, [Write(shard, door.caller.organization, resource_id, kind)])
    row = await _file(door, declared, prepared.content, None, (shard, resource_id), "POST", at)
    return Found((Candidate(row),), created=True)


async def update(
    door: Door,
    declared: ResourceType,
    prepared: Prepared,
    resource_id: str,
    if_match: str | None,
    method: str = "PUT",
    seen: Stored | None = None,
) -> Found:
    """Store a new version; the same content again stores none. There is no create by PUT: an unknown id is 404.

    `seen`: the version that led here, where one did.
    """
    door.require(declared.name, "u")
    old, at = await _held(door, declared, resource_id, if_match, seen)
    if prepared.content.get("id") != resource_id:
        raise HallpassError(Kind.INVALID, Issue("The id in the body is not the one in the URL.", f"{declared.name}.id"))
    content = prepared.content
    if not await door.holds(old.custodian):
        content = as_party(declared, parse(old.body) if old.body else {}, content, door.above)
    if not old.deleted and _digest(content) == old.digest:
        return Found((Candidate(old),), unchanged=True)
    if _shard(declared, content, old.id) != old.shard:
        text = "A record is about one student for good: end this one and make another."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{declared.name}.{declared.student}", "business-rule"))
    row = await _file(door, declared, content, old, (old.shard, old.id), method, at)
    return Found((Candidate(row),))


async def delete(door: Door, declared: ResourceType, resource_id: str, if_match: str | None) -> Found:
    """Store a version that is a deletion. What was deleted before stays so."""
    door.require(declared.name, "d")
    old, at = await _held(door, declared, resource_id, if_match, None)
    if not await door.holds(old.custodian):
        raise _not_yours()
    if old.deleted:
        return Found(absent=True)
    await _require_never_active(door, declared, old)
    await require_unreferenced(door, {old.id}, apart=door.claimed | {old.id})
    content = parse(old.body)
    row = old._replace(
        version=old.version + 1, deleted=True, updated=at, method="DELETE", body=b"", label_at=0, digest=b""
    )
    zone = await _zone(door, old.custodian)
    await write.put(door.connection, row, facts(declared, content, old.id, old.custodian, zone), None)
    await follow(door, declared, row, content, zone)
    return Found(absent=True)


async def _held(
    door: Door, declared: ResourceType, resource_id: str, if_match: str | None, seen: Stored | None
) -> tuple[Stored, datetime]:
    """The current version, to be superseded: by `locked`, and once only in a transaction."""
    old, at = await locked(door, declared, resource_id, if_match, seen)
    door.write_once(old.id)
    return old, at


async def locked(
    door: Door, declared: ResourceType, resource_id: str, if_match: str | None, seen: Stored | None = None
) -> tuple[Stored, datetime]:
    """The current version under its shard's lock, and the time. Raises NOT_FOUND, or PRECONDITION by If-Match."""
    seen = seen or await reads.current(door, declared, resource_id)
    if seen is None:
        raise not_found()
    kind = await update_kind(door, declared.name, seen.custodian)
    found = await store.lock_current(door.connection, declared.name, Write(seen.shard, seen.custodian, seen.id, kind))
    if found is None:
        raise not_found()
    if if_match is not None and not names(if_match, found[0].version):
        raise HallpassError(Kind.PRECONDITION, "The resource has another version by now.")
    return found


async def _file(
    door: Door,
    declared: ResourceType,
    content: dict[str, Any],
    old: Stored | None,
    place: tuple[UUID, UUID],
    method: str,
    at: datetime,
) -> Stored:
    """Store `content` as the next version, with all that follows from it. `place`: the shard and the id."""
    shard, resource_id = place
    custodian = old.custodian if old else door.caller.organization
    before = parse(old.body) if old and old.body else {}
    await require_targets(door, content, before, (declared.name, resource_id))
    zone = await _zone(door, custodian)
    if declared.name == "Consent":
        await require_not_widened(door, before, content, (shard, resource_id), zone)
    own = facts(declared, content, resource_id, custodian, zone)
    version = old.version + 1 if old else 1
    body, label_at = compose(declared.name, resource_id, version, at, content)
    row = Stored(
        shard, resource_id, version, declared.name, custodian, own.student, own.directory, True, False, at, method,
        body, label_at, _digest(content),
    )  # fmt: skip
    found = terms(declared.name, content, zone, door.settings.fhir_base)
    await write.put(door.connection, row, own, found)
    await follow(door, declared, row, content, zone)
    return row


def _shard(declared: ResourceType, content: dict[str, Any], resource_id: UUID) -> UUID:
    """The student's id, or outside a compartment the resource's own."""
    if declared.reach is not Reach.COMPARTMENT:
        return resource_id
    student = student_of(declared, content, resource_id)
    if student is None:
        text = "A record of a student names its student: a Patient of this server."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{declared.name}.{declared.student}", "required"))
    return student


async def _zone(door: Door, custodian: UUID) -> ZoneInfo:
    return door.zone if custodian == door.caller.organization else (await store.zone(door.connection, custodian))


async def _require_never_active(door: Door, declared: ResourceType, old: Stored) -> None:
    if not declared.deletable:
        bodies = await store.bodies(door.connection, old.shard, old.id)
        if any(parse(body).get("status") == "active" for body in bodies):
            text = "A release that was ever active is not deleted: end it by the status inactive."
            raise HallpassError(Kind.CONFLICT, Issue(text, f"{declared.name}.status", "business-rule"))


async def require_unreferenced(door: Door, ids: Collection[UUID], *, apart: Collection[UUID]) -> None:
    """Raise CONFLICT where a resource that the caller sees, apart from these, refers to one that is deleted."""
    if ids and await store.are_referred_to(door.connection, ids, apart):
        text = "Resources that you can see refer to it. Delete them or change them first, or in the same transaction."
        raise HallpassError(Kind.CONFLICT, Issue(text, None, "conflict"))


def _digest(content: dict[str, Any]) -> bytes:
    return sha256(canonical({k: v for k, v in content.items() if k != "id"})).digest()


def _not_yours() -> HallpassError:
    return HallpassError(Kind.FORBIDDEN, "Another organization holds this resource; only it can change it.")
