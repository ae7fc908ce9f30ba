"""The network of both worlds before anything is hidden: organizations, agreements, clients with keys and tokens.

parent <- caller <- branch      the caller's organization, the one above it and the one below
holder <- school                who discloses to the caller, and to the other
other, stranger                 another recipient; one without an agreement
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import clients, jose
from app.auth.jose import Jwk
from app.db.engine import Database
from app.exchange.operator import Operator
from assurance.noninterference.authorization import ASSERTION, assertion
from assurance.noninterference.determinism import Clock, drawing
from assurance.noninterference.records import ENDPOINT
from assurance.noninterference.side import SETTINGS, open_side
from assurance.noninterference.wire import Request

TREE = {
    "parent": None,
    "caller": "parent",
    "branch": "caller",
    "holder": None,
    "school": "holder",
    "other": None,
    "stranger": None,
}
"""Each organization and the one that it is a part of."""
AGREED = (("holder", "caller"), ("holder", "other"), ("caller", "other"))
EVERYTHING = "system/*.cruds"
NARROW = "system/Patient.rs system/ServiceRequest.cruds system/Task.rus"


@dataclass(frozen=True, slots=True)
class Network:
    """Ids of the organizations by name; keys and tokens of the clients by name."""

    organizations: dict[str, str]
    keys: dict[str, Jwk]
    tokens: dict[str, str]


async def found(owner: URL, clock: Clock) -> Network:
    """Make the network in a migrated database that has the prover's clock."""
    db = Database(owner, pool_size=2)
    ids = await _organizations(Operator(db, SETTINGS))
    await db.dispose()
    keys = {name: jose.generate() for name in (*TREE, "narrow")}
    await _register(owner, ids, keys)
    tokens: dict[str, str] = {}
    async with open_side(owner, clock, {}) as side:
        for name, key in keys.items():
            form = {"grant_type": "client_credentials", "scope": NARROW if name == "narrow" else EVERYTHING}
            form |= {"client_assertion_type": ASSERTION, "client_assertion": assertion(Random(name), name, key)}
            kind = (("Content-Type", "application/x-www-form-urlencoded"),)
            (heard,) = await side.do(name, [Request("POST", "/auth/token", None, kind, urlencode(form))])
            tokens[name] = json.loads(heard.raw.body)["access_token"]
    return Network({name: str(of) for name, of in ids.items()}, keys, tokens)


async def _organizations(operator: Operator) -> dict[str, UUID]:
    ids: dict[str, UUID] = {}
    with drawing("network"):
        for name, ancestors in TREE.items():
            zone = "America/Chicago" if name == "caller" else None
            ids[name] = await operator.add_organization(
                name, part_of=ids[ancestors] if ancestors else None, state="NY", zone=zone
            )
        for one, two in AGREED:
            await operator.add_agreement(ids[one], ids[two], both_ways=True)
    return ids


async def _register(owner: URL, ids: dict[str, UUID], keys: dict[str, Jwk]) -> None:
    engine = create_async_engine(owner)
    async with engine.begin() as connection:
        for name, key in keys.items():
            found = clients.registration(
                id=name,
                organization=ids["caller" if name == "narrow" else name],
                name=name,
                scopes=(NARROW if name == "narrow" else EVERYTHING).split(),
                purposes=["TREAT"],
                jwks={"keys": [jose.public(key)]},
            )
            await clients.add(connection, found)
        allowed = text("INSERT INTO hallpass.endpoint (organization, prefix) VALUES (:organization, :prefix)")
        await connection.execute(allowed, {"organization": ids["caller"], "prefix": ENDPOINT})
    await engine.dispose()
