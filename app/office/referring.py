"""A referral is made from a form: to whom, with the room that they have, for what and why. docs/referral.md

It is the ServiceRequest and the Task that a district's program would write, held to the same table. The provider sees
neither until a release shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from app.exchange import reads, writes
from app.exchange.disclosures import require_held
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.office import words
from app.office.guard import get, post
from app.office.visit import Visit, about, search_of
from app.resources import TYPES
from app.resources.paths import first, values
from app.resources.refs import as_uuid, local_id
from app.search.own import CAPACITY
from app.web import see_other

MOST = 500
LONGEST = 1000
PRIORITIES = {"routine": "Routine", "urgent": "Urgent", "asap": "As soon as possible"}
ROOM = {
    "capacity": "has room",
    "no-capacity": "has no room",
    "waitlist": "has a waiting list",
    "additional-assessment-required": "looks at each case first",
}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Who can be asked: an organization, by one of its services or as a whole."""

    value: str
    text: str


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, "/office/students/{id}/refer", _ask)
    post(router, "/office/students/{id}/refer", _make)


async def _ask(request: Request, visit: Visit, wrong: str = "", status: int = 200) -> Response:
    student = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        transaction.require("ServiceRequest", "c")
        await require_held(transaction, "Patient", student)
        patient = await reads.read(transaction, TYPES["Patient"], student)
        listed = [await _directory(transaction, name) for name in ("Organization", "HealthcareService")]
        return [patient, *listed]

    answer = await visit.perform("search", unit_of_work, about("a referral to make", "Patient", student))
    patient, *directory = [parse(r.body) for result in answer.results for r in result.released]
    return visit.page(
        "refer.html",
        status,
        wrong=wrong,
        id=student,
        student=words.name(patient),
        choices=choices(directory, str(visit.staff.organization)),
        priorities=PRIORITIES,
        form=visit.form,
    )


async def _directory(transaction: Transaction, name: str) -> PendingResult:
    wanted = search_of(transaction, name, [("active:not", "false"), ("_sort", "name"), ("_total", "none")], MOST)
    return await reads.search(transaction, wanted, None)


def choices(directory: list[Json], own: str) -> list[Choice]:
    """The services of the network with the room that they have, and after each organization's the organization."""
    names = {r["id"]: str(r.get("name", "")) for r in directory if r["resourceType"] == "Organization"}
    found: list[tuple[str, str, Choice]] = []
    for service in (r for r in directory if r["resourceType"] == "HealthcareService"):
        provider = str(local_id(service.get("providedBy"), "Organization"))
        if provider in names and provider != own:
            room = ROOM.get(capacity(service), "did not say whether it has room")
            name = str(service.get("name") or "a service")
            choice = Choice(f"{provider}/{service['id']}", f"{names[provider]}: {name} ({room})")
            found.append((names[provider], name, choice))
    found += [(name, "~", Choice(i, name)) for i, name in names.items() if i != own]
    return [choice for _, _, choice in sorted(found, key=lambda f: f[:2])]


def capacity(service: Json) -> str:
    """Whether a service has room, by its code; '' where it does not say."""
    told = [e for e in values(service, "extension") if e.get("url") == CAPACITY]
    parts = [p for e in told for p in values(e, "extension") if p.get("url") == "capacityStatus"]
    return str(next((code for p in parts if (code := first(p, "valueCodeableConcept.coding.code"))), ""))


async def _make(request: Request, visit: Visit) -> Response:
    student, form = request.path_params["id"], visit.form
    provider, _, service = form.get("provider", "").partition("/")
    if as_uuid(provider) is None or not _is_text(form.get("what", "")) or form.get("priority") not in PRIORITIES:
        return await _ask(request, visit, "Say to whom, for what, and how urgent it is.", 422)

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        await require_held(transaction, "Patient", student)
        name = await _service_name(transaction, service)
        asked = referral(form, student, provider, name, str(visit.staff.organization))
        made = await _create(transaction, visit, asked)
        focus = f"ServiceRequest/{made.pending[0].row.id}"
        return [made, await _create(transaction, visit, task(asked, focus))]

    await visit.perform("create", unit_of_work, about("referral made", "Patient", student))
    return see_other("/office/referrals")


async def _service_name(transaction: Transaction, service: str) -> str:
    """The name of the service that was chosen; '' for an organization as a whole."""
    if not service:
        return ""
    found = await reads.read(transaction, TYPES["HealthcareService"], service)
    return str(parse(found.pending[0].row.body).get("name") or "")


async def _create(transaction: Transaction, visit: Visit, content: Json) -> PendingResult:
    declared = TYPES[content["resourceType"]]
    validated = await validate_body(visit.caller.client, declared, content, visit.settings)
    return await writes.create(transaction, declared, validated)


def referral(form: Mapping[str, str], student: str, provider: str, service: str, own: str) -> Json:
    """The ServiceRequest that a form says."""
    performer = {"reference": f"Organization/{provider}", **({"display": service} if service else {})}
    why, note = form.get("why", "").strip()[:LONGEST], form.get("note", "").strip()[:LONGEST]
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": form["priority"],
        "subject": {"reference": f"Patient/{student}"},
        "code": {"text": form["what"].strip()},
        "authoredOn": datetime.now(UTC).isoformat(timespec="seconds"),
        "requester": {"reference": f"Organization/{own}"},
        "performer": [performer],
        **({"reasonCode": [{"text": why}]} if why else {}),
        **({"note": [{"text": note}]} if note else {}),
    }


def task(asked: Json, focus: str) -> Json:
    """The Task by which it is followed, sent to the provider."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": asked["priority"],
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": focus},
        "for": asked["subject"],
        "authoredOn": asked["authoredOn"],
        "requester": asked["requester"],
        "owner": {"reference": asked["performer"][0]["reference"]},
    }


def _is_text(text: str) -> bool:
    return bool(text.strip()) and len(text) <= LONGEST
