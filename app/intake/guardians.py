"""Marks who may sign for a student: a person's decision, which no import changes but by taking authority away.
docs/whose-word-counts.md
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from app.consent.codes import GUARDIAN_AUTHORITY
from app.errors import HallpassError, Kind
from app.intake.push import Exchange, conditional_url, read, update
from app.intake.roster.merge import AUTHORITY
from app.intake.roster.units import Json, join


async def mark(exchange: Exchange, student: str, contact: str, *, authority: bool) -> str:
    """Mark one contact of one student, by the source's ids; answers the RelatedPerson's id.

    Raises HallpassError where there is none or more than one, or it changed meanwhile.
    """
    person = await _person(exchange, student, contact)
    value = [{"url": GUARDIAN_AUTHORITY, "valueBoolean": authority}]
    entry = update("Contact", contact, join(person, {AUTHORITY: value}), int(person["meta"]["versionId"]))
    (outcome,) = await exchange.batch([entry])
    if outcome.id is None:
        raise HallpassError(Kind.CONFLICT, f"The contact could not be marked: {outcome.reason}")
    return outcome.id


async def _person(exchange: Exchange, student: str, contact: str) -> Json:
    value = f"{student}/{quote(contact, safe='')}"
    url = conditional_url({"resourceType": "RelatedPerson", "identifier": [{"system": "", "value": value}]})
    (outcome,) = await exchange.batch([read("Contact", contact, url.replace("=%7C", "="))])
    found: Sequence[Json] = [e["resource"] for e in (outcome.resource or {}).get("entry", [])]
    if len(found) != 1:
        text = f"There is no contact {contact} of a student {student}." if not found else "Several contacts match."
        raise HallpassError(Kind.NOT_FOUND, f"{text} Give both ids as the roster has them.")
    return found[0]
