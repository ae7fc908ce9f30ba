"""Asks expectations four ways: decide(), PostgreSQL, a read over HTTP and a search over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from app.consent.codes import widen
from app.consent.evaluate import Basis, Permit, decide
from tests.consent.language import Expectation
from tests.consent.network import Network, unused_id
from tests.consent.stage import Held, Stage
from tests.world import Member

_ENTER = text("SELECT * FROM hallpass.set_caller(:client, '', :organization, :purposes, false, true)")
_JUDGED = text("""
    SELECT CASE WHEN hallpass.holds(r.custodian) THEN 'custody' WHEN r.directory THEN 'directory'
                WHEN hallpass.sees_as_party(r.compartment, r.id, r.type, r.parties) THEN 'party'
                ELSE CAST(o.consent AS text) END
    FROM hallpass.resource r
    CROSS JOIN LATERAL (SELECT CASE WHEN r.student IS NOT NULL THEN hallpass.consent_permitting(
        r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
        r.clinical) END AS consent) o
    WHERE r.id = :id AND r.current AND NOT r.deleted
""")
_ROLE = text("SET LOCAL ROLE hallpass_app")
_VISIBLE = text("SELECT count(*) FROM hallpass.resource r WHERE r.id = :id AND r.current AND NOT r.deleted")
_LEDGER = text("""
    SELECT basis, consent FROM hallpass.disclosure
    WHERE id = :id AND recipient = :recipient AND purposes = :purposes AND interaction = :interaction
    ORDER BY at DESC LIMIT 1
""")

ABSENT = "nothing"
FHIR = {"Accept": "application/fhir+json"}
Answers = dict[str, str]
"""By the way of asking: the basis of the permit (custody, directory, party, a release's name), or nothing."""


async def answers(stage: Stage, asked: Sequence[Expectation], now: datetime) -> list[Answers]:
    """What each of the four ways says to each question at one moment.

    A read's and a search's basis is the ledger's; where the ledger has none, since nothing was disclosed, custody.
    """
    await stage.network.set_clock(now)
    members = [await stage.network.caller(a.who, a.purposes) for a in asked]
    held = [stage.held[a.what] for a in asked]
    over_http = await asyncio.gather(
        *(way(stage.network, m, h) for m, h in zip(members, held, strict=True) for way in (_read, _searched))
    )
    names = {str(h.id): name for name, h in stage.held.items() if h.kind == "release"}
    found = []
    for i, (question, member) in enumerate(zip(asked, members, strict=True)):
        said = {
            "decide": _decided(stage, question, now),
            "sql": await _judged(stage.network, member, question, held[i]),
            "read": await _basis(stage.network, member, question, held[i], "read", over_http[2 * i]),
            "search": await _basis(stage.network, member, question, held[i], "search", over_http[2 * i + 1]),
        }
        found.append({way: names.get(basis, basis) for way, basis in said.items()})
    await stage.network.owner.rollback()
    return found


def _decided(stage: Stage, asked: Expectation, now: datetime) -> str:
    decision = decide(stage.policies(), stage.requester(asked.who, asked.purposes, now), stage.attributes(asked.what))
    if not isinstance(decision, Permit):
        return ABSENT
    if decision.basis is not Basis.RELEASE:
        return str(decision.basis.value)
    cited = {h.id: h.version for h in stage.held.values()}
    assert decision.consent is not None
    assert decision.version == cited[decision.consent]
    return str(decision.consent)


async def _judged(network: Network, member: Member, asked: Expectation, held: Held) -> str:
    owner = network.owner
    await owner.rollback()
    who = {"client": member.client_id, "organization": member.organization, "purposes": sorted(widen(asked.purposes))}
    assert (await owner.execute(_ENTER, who)).one().standing
    said = str(await owner.scalar(_JUDGED, {"id": held.id}) or ABSENT)
    await owner.execute(_ROLE)
    visible = bool(await owner.scalar(_VISIBLE, {"id": held.id}))
    await owner.rollback()
    return said if visible == (said != ABSENT) else f"{said}, but row-level security says {visible}"


async def _read(network: Network, member: Member, held: Held) -> bool | str:
    """Whether a read finds it; a text for any other answer. A 404 is the one for what never was."""
    response = await member.get(f"/{held.type}/{held.id}", headers=FHIR)
    if response.status_code == 404:
        if held.type not in network.absent:
            network.absent[held.type] = (await member.get(f"/{held.type}/{unused_id()}", headers=FHIR)).content
        return False if response.content == network.absent[held.type] else "a 404 of its own"
    return True if response.status_code == 200 and response.json()["id"] == str(held.id) else response.text


async def _searched(_network: Network, member: Member, held: Held) -> bool | str:
    """Whether a search by type lists it, with a total that says the same; a text for any other answer."""
    response = await member.get(f"/{held.type}?_id={held.id}")
    if response.status_code != 200:
        return response.text
    body = response.json()
    ids = [e["resource"]["id"] for e in body.get("entry", []) if e["search"]["mode"] == "match"]
    if body["total"] != len(ids) or ids not in ([], [str(held.id)]):
        return f"{ids}, {body['total']} in all"
    return bool(ids)


async def _basis(
    network: Network, member: Member, asked: Expectation, held: Held, interaction: str, found: bool | str
) -> str:
    """On what the ledger says that an answer rests; custody where it says nothing."""
    if not isinstance(found, bool):
        return found
    if not found:
        return ABSENT
    entry = {
        "id": held.id,
        "recipient": member.organization,
        "purposes": sorted(asked.purposes),
        "interaction": interaction,
    }
    row = (await network.owner.execute(_LEDGER, entry)).one_or_none()
    if row is None:
        return "custody"
    return str(row.consent) if row.basis == "release" else str(row.basis)
