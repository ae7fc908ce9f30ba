"""Notification Bundles and SubscriptionStatus, out of what was released.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html — R4 has no
SubscriptionStatus: it is Parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from app.db.subscriptions import Event
from app.exchange.following import Told
from app.exchange.service import Released
from app.fhir.dates import instant
from app.fhir.json import dump
from app.subscriptions.definition import PREFIX

STATUS_PROFILE = f"{PREFIX}backport-subscription-status-r4"
NOTIFICATION_PROFILE = f"{PREFIX}backport-subscription-notification-r4"
_METHODS = {"POST": "201", "PUT": "200", "PATCH": "200"}


def notification(told: Told, released: Sequence[Released], base: str) -> bytes:
    """A history Bundle: the status first, then each record, as far as the payload's content goes, and its Consent."""
    content = told.definition.content
    by_version = {(r.type, r.id, r.version): r for r in released}
    entries = [_status_entry(told, base)]
    for event in told.events if content != "empty" else ():
        found = by_version.get((event.type, event.id, event.version))
        if event.number in told.visible and found is not None:
            entries.append(_entry(found, base, whole=content == "full-resource"))
    told_of = {(e.type, e.id, e.version) for e in told.events}
    entries += [_entry(r, base, whole=True) for key, r in by_version.items() if key not in told_of]
    head = {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "meta": {"profile": [NOTIFICATION_PROFILE]},
        "type": "history",
        "timestamp": instant(datetime.now(UTC)),
    }
    return dump(head)[:-1] + b',"entry":[%s]}' % b",".join(entries)


def statuses(told: Sequence[Told], base: str) -> bytes:
    """What $status answers: a searchset with the status of each Subscription."""
    entries = []
    for one in told:
        parameters = status(one, base)
        entries.append({"fullUrl": f"urn:uuid:{parameters['id']}", "resource": parameters, "search": {"mode": "match"}})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(told)}
    return dump({**bundle, "entry": entries} if entries else bundle)


def status(told: Told, base: str) -> dict[str, Any]:
    """The Parameters of a status: how many events there were since the start, and those that this is about."""
    state, content = told.state, told.definition.content
    found: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{state.id}"}}
    ]
    if content != "empty":
        found.append({"name": "topic", "valueCanonical": told.definition.topic.url})
    found += [
        {"name": "status", "valueCode": state.status},
        {"name": "type", "valueCode": told.kind},
        {"name": "events-since-subscription-start", "valueString": str(state.events)},
    ]
    found += [_event(e, base, focus=content != "empty" and e.number in told.visible) for e in told.events]
    if state.error is not None:
        found.append({"name": "error", "valueCodeableConcept": {"text": state.error}})
    own = uuid5(NAMESPACE_URL, f"{state.id} {told.kind} {state.events} {[e.number for e in told.events]}")
    return {"resourceType": "Parameters", "id": str(own), "meta": {"profile": [STATUS_PROFILE]}, "parameter": found}


def _event(event: Event, base: str, *, focus: bool) -> dict[str, Any]:
    part: list[dict[str, Any]] = [{"name": "event-number", "valueString": str(event.number)}]
    part.append({"name": "timestamp", "valueInstant": instant(event.at)})
    if focus:
        part.append({"name": "focus", "valueReference": {"reference": f"{base}/{event.type}/{event.id}"}})
    return {"name": "notification-event", "part": part}


def _status_entry(told: Told, base: str) -> bytes:
    parameters = status(told, base)
    return dump(
        {
            "fullUrl": f"urn:uuid:{parameters['id']}",
            "resource": parameters,
            "request": {"method": "GET", "url": f"{base}/Subscription/{told.state.id}/$status"},
            "response": {"status": "200"},
        }
    )


def _entry(released: Released, base: str, *, whole: bool) -> bytes:
    where = f"{released.type}/{released.id}"
    created = released.method == "POST"
    request = {"method": released.method, "url": released.type if created else where}
    rest = dump({"request": request, "response": {"status": _METHODS.get(released.method, "200")}})
    resource = b'"resource":%s,' % released.body if whole else b""
    return b'{"fullUrl":"%s/%s",%s%s' % (base.encode(), where.encode(), resource, rest[1:])
