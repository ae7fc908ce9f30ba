"""A release is drafted from a form: who gets what, why and until when. It opens nothing until it is signed.

34 CFR 99.30(b)
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.consent import codes as c
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
from app.resources.refs import as_uuid
from app.signing.catalog import catalog
from app.signing.terms import KINDS, LABELS, LAWS, PURPOSES
from app.web import see_other

MOST = 500
USUAL = timedelta(days=365)
LONGEST = timedelta(days=5 * 366)
LAW_NAMES = {"ferpa": "FERPA: education records", "hipaa": "HIPAA: health records"}
Json = dict[str, Any]


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, "/office/students/{id}/draft", _ask)
    post(router, "/office/students/{id}/draft", _file)


async def _ask(request: Request, visit: Visit, wrong: str = "", status: int = 200) -> Response:
    student = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        transaction.require("Consent", "c")
        await require_held(transaction, "Patient", student)
        everyone = search_of(
            transaction, "Organization", [("active:not", "false"), ("_sort", "name"), ("_total", "none")], MOST
        )
        return [
            await reads.read(transaction, TYPES["Patient"], student),
            await reads.search(transaction, everyone, None),
        ]

    answer = await visit.perform("search", unit_of_work, about("draft of a release", "Patient", student))
    patient, *organizations = [parse(r.body) for result in answer.results for r in result.released]
    today, texts = datetime.now(answer.zone).date(), catalog(None)
    own = str(visit.staff.organization)
    return visit.page(
        "draft.html",
        status,
        wrong=wrong,
        id=student,
        student=words.name(patient),
        recipients=[(o["id"], o.get("name", "")) for o in organizations if o["id"] != own],
        kinds=list(zip(KINDS, texts.listed("type", KINDS), strict=True)),
        labels=list(zip(LABELS, texts.listed("label", LABELS), strict=True)),
        purposes=list(zip(PURPOSES, texts.listed("purpose", PURPOSES), strict=True)),
        laws=LAW_NAMES,
        end=(today + USUAL).isoformat(),
        first=today.isoformat(),
        form=visit.form,
    )


async def _file(request: Request, visit: Visit) -> Response:
    student = request.path_params["id"]
    made: list[str] = []

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        transaction.require("Consent", "c")
        await require_held(transaction, "Patient", student)
        content, wrong = drafted(visit.form, student, str(visit.staff.organization), transaction.zone)
        if content is None:
            made.append(wrong)
            return []
        validated = await validate_body(visit.caller.client, TYPES["Consent"], content, visit.settings)
        found = await writes.create(transaction, TYPES["Consent"], validated)
        made.append(str(found.pending[0].row.id))
        return [found]

    answer = await visit.perform("create", unit_of_work, about("release drafted", "Patient", student))
    if not answer.results:
        return await _ask(request, visit, made[-1], 422)
    return see_other(f"/office/releases/{made[-1]}")


def drafted(form: Any, student: str, organization: str, zone: ZoneInfo) -> tuple[Json | None, str]:
    """The draft that a form says; or None, and what is wrong with the form. Pure but for the clock."""
    kinds = [k for k in KINDS if form.get(f"kind-{k}") == "yes"]
    labels = [x for x in LABELS if form.get(f"label-{x}") == "yes"]
    recipient, purpose, law = as_uuid(form.get("recipient", "")), form.get("purpose"), form.get("law")
    today = datetime.now(zone).date()
    try:
        end = date.fromisoformat(form.get("end", ""))
    except ValueError:
        return None, "Give the last day as year, month and day."
    if recipient is None or purpose not in PURPOSES or law not in LAWS:
        return None, "Choose who gets it, why, and the law."
    if not kinds:
        return None, "Choose what is shared."
    if not today < end <= today + LONGEST:
        return None, "The last day lies after today, and at most five years ahead."
    label = {"securityLabel": [{"system": _system(x), "code": x} for x in labels]} if labels else {}
    return {
        "resourceType": "Consent",
        "status": "draft",
        "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{student}"},
        "organization": [{"reference": f"Organization/{organization}"}],
        "policy": [{"uri": LAWS[str(law)]}],
        "provision": {
            "type": "permit",
            "period": {"start": today.isoformat(), "end": end.isoformat()},
            "actor": [
                {
                    "role": {"coding": [{"system": c.PARTICIPATION, "code": "IRCP"}]},
                    "reference": {"reference": f"Organization/{recipient}"},
                }
            ],
            "purpose": [{"system": c.ACT_REASON, "code": purpose}],
            "class": [{"system": c.RESOURCE_TYPES, "code": k} for k in kinds],
            **label,
        },
    }, ""


def _system(label: str) -> str:
    return c.CONFIDENTIALITY_SYSTEM if label in c.CONFIDENTIALITY else c.ACT_CODE
