"""The pages of the office tell no two worlds apart that differ in what the member may not see: docs/proof.md

Staff of the caller's open every page, of every student and release that either world holds, theirs or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.keyring import Keyring
from app.office.guard import COOKIE
from app.office.roles import OPERATOR, ROLES
from app.office.routes import PATHS
from app.office.sessions import form_token
from app.office.staff import digest
from assurance.noninterference.asks import ABSENT, FORM
from assurance.noninterference.pair import Pair
from assurance.noninterference.prover import Prover
from assurance.noninterference.scene import Scene, Step
from assurance.noninterference.side import SETTINGS
from assurance.noninterference.wire import Request

_CLIENT = text("""
    INSERT INTO hallpass.client (id, organization, name, scopes, purposes, jwks_uri)
    VALUES (:id, :organization, :id, :scopes, '{TREAT}', 'staff:')
""")
_STAFF = text("""
    INSERT INTO hallpass.staff (client, organization, name, address, role)
    VALUES (:id, :organization, :id, :id, :role)
""")
_SESSION = text("INSERT INTO hallpass.staff_session VALUES (:digest, :id, '9999-01-01', '9999-01-01')")
_KINDS = {"Patient": "/students/", "Consent": "/releases", "Task": ""}
"""What the id in a path is of."""
NOT_PAGES = frozenset(
    {"/office/office.css", "/office/leave", "/office/sign-in", "/office/sign-in/{name}", "/office/sign-in/{name}/back"}
    | {"/office/enter/{link}", "/office/passkey.js", "/office/passkeys"}
)
"""What shows nothing of a record, whoever asks."""
OPERATORS_OWN = frozenset(p for p in PATHS if p.startswith("/office/operator"))
"""What shows the network to its operator alone."""


async def hire(pair: Pair) -> None:
    """Somebody in each role at the caller's organization, signed in: the same in both worlds."""
    for side in (pair.a, pair.b):
        engine = create_async_engine(side.db.owner)
        async with engine.begin() as connection:
            for role in ROLES.values():
                who = {"id": f"staff-{role.code}", "organization": pair.network.organizations["caller"]}
                await connection.execute(_CLIENT, {**who, "scopes": list(role.scopes)})
                await connection.execute(_STAFF, {**who, "role": role.code})
                await connection.execute(_SESSION, {"id": who["id"], "digest": digest(role.code)})
        await engine.dispose()


def pages(scene: Scene) -> Iterator[tuple[str, str]]:
    """Each page with its path as it is declared."""
    ids = {kind: [r.id for r in scene.records.values() if r.type == kind] for kind in ("Patient", "Consent", "Task")}
    gone = [r.id for r in scene.gone]
    for path in sorted(PATHS - NOT_PAGES):
        kind = next(k for k, part in _KINDS.items() if part in path or k == "Task")
        for each in [*ids[kind], *gone, *ABSENT] if "{id}" in path else [""]:
            found = path.replace("{id}", each)
            yield path, found
            if path.endswith("/record"):
                yield path, f"{found}?for=student"


def requests(scene: Scene, role: str) -> Iterator[tuple[str, Request]]:
    """What somebody in a role asks."""
    cookie = (("Cookie", f"{COOKIE}={role}"),)
    token = form_token(Keyring.of(SETTINGS), role)
    for path, page in pages(scene):
        if path.endswith(("/end", "/ask")):
            yield path, Request("POST", page, None, cookie + FORM, urlencode({"token": token, "version": "1"}))
        else:
            yield path, Request("GET", page, None, cookie)
    for name in ("a", "rivera", "ana", "o", "1", "S-1"):
        yield "/office", Request("POST", "/office", None, cookie + FORM, urlencode({"token": token, "name": name}))


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_no_page_tells_two_worlds_apart_that_differ_in_hidden_things(prover: Prover, role: str) -> None:
    if not prover.report.others["staff"]:
        await hire(prover.pair)
        prover.report.others["staff"] += 1
    statuses: Counter[int] = Counter()
    reached: set[str] = set()
    for number, (path, request) in enumerate(requests(prover.start, role)):
        if role == OPERATOR.code and path in OPERATORS_OWN:
            continue  # it tells of the network, of which the two worlds are two
        step = Step(f"office {role}.{number}", prover.start.seconds, (request,), (request,), True)
        played = await prover.pair.play(step)
        assert played.difference is None, str(played.difference)
        assert played.a is not None
        statuses[played.a.raw.status] += 1
        reached |= {path} if played.a.raw.status == 200 else set()
    assert not reached & OPERATORS_OWN
    if role == OPERATOR.code:
        assert not reached, "the operator was shown a record"
        return
    assert statuses[200] > 5, statuses
    assert statuses[303] == 0, "nobody was signed in"
    if role == "privacy-officer":
        assert statuses[404] > 5, statuses
        assert reached >= PATHS - NOT_PAGES - OPERATORS_OWN - {
            "/office/releases/{id}/ask",
            "/office/releases/{id}/end",
            "/office/referrals",
            "/office/referrals/{id}",
            "/office/students/{id}/plan",
            "/office/students/{id}/record/pdf",
            "/office/students/{id}/refer",
        }
    if role in ("counselor", "partner-intake"):
        assert "/office/students/{id}/plan" in reached
