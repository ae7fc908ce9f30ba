"""Who may not: a token that does not hold, a scope that is lacking, a reference to what is another's."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

import pytest

from app.auth import jose
from app.keyring import Keyring
from tests import build
from tests.api.asking import FORM, PLAIN, refused
from tests.scene import Scene, as_owner
from tests.world import BASE, World

# References to another's ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Patient", "Encounter", "ServiceRequest", "RelatedPerson", "Task", "Group", "Consent"]
)
async def test_a_reference_to_anothers_resource_is_refused_byte_for_byte_as_one_to_nothing(
    scene: Scene, name: str
) -> None:
    answers = []
    for target in (scene.records[name]["id"], str(uuid4())):
        reference = {"reference": f"{name}/{target}"}
        own = {"resourceType": "Patient", "extension": [{"url": "urn:x", "valueReference": reference}]}
        entry = {"resource": own, "request": {"method": "POST", "url": "Patient"}}
        alone = await scene.stranger.post("/Patient", own)
        bundled = await scene.stranger.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        batched = await scene.stranger.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        refused(alone, 422, "not-found", "Patient.extension[0].value.reference")
        assert "422" in batched.text
        answers.append(
            [
                (r.status_code, {k: v for k, v in r.headers.items() if k != "x-request-id"}, r.content)
                for r in (alone, bundled, batched)
            ]
        )
    assert answers[0] == answers[1]


# Tokens -------------------------------------------------------------------------------------------------------------


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    return jose.read(token)[1]


async def test_a_token_that_does_not_hold_is_a_401(scene: Scene, world: World) -> None:
    good = scene.district.headers["Authorization"].removeprefix("Bearer ")
    said = claims(good)
    ours = await world_keys(scene)
    now = int(time.time())
    forged = jose.generate()
    bad = {
        "expired": jose.sign({**said, "exp": now - 1}, ours, typ="at+jwt"),
        "of another server": jose.sign({**said, "aud": "https://other.example/fhir"}, ours, typ="at+jwt"),
        "by another server": jose.sign({**said, "iss": "https://other.example"}, ours, typ="at+jwt"),
        "of another kind": jose.sign(said, ours),
        "signed by another key": jose.sign(said, forged, typ="at+jwt"),
        "signed by another key under our kid": jose.sign(said, {**forged, "kid": ours["kid"]}, typ="at+jwt"),
        "unsigned": unsigned(said),
        "of another organization": jose.sign({**said, "org": str(scene.stranger.organization)}, ours, typ="at+jwt"),
        "of nobody": jose.sign({**said, "sub": "nobody"}, ours, typ="at+jwt"),
        "without an expiry": jose.sign({k: v for k, v in said.items() if k != "exp"}, ours, typ="at+jwt"),
        "cut": good[:-5],
        "empty": "",
        "two": f"{good} {good}",
        "no JWT": "x.y.z",
        "NUL": "\x00",
        "long": "x" * 50_000,
    }
    assert (await scene.district.get("/Patient")).status_code == 200
    for name, token in bad.items():
        for path in ("/Patient", f"/Patient/{scene.student['id']}"):
            response = await world.http.get(
                f"{BASE}/fhir{path}", headers=[(b"Authorization", b"Bearer " + token.encode())]
            )
            refused(response, 401, "login")
            assert "invalid_token" in response.headers["WWW-Authenticate"], name
    for header in ("Basic eDp5", "Bearer", "bearer", "", good, f"Bearer {good}, Bearer {good}"):
        refused(await world.http.get(f"{BASE}/fhir/Patient", headers={"Authorization": header}), 401, "login")
    for elsewhere in (f"/Patient?access_token={good}", f"/Patient?authorization={good}"):
        refused(await world.http.get(f"{BASE}/fhir{elsewhere}"), 401, "login")


async def world_keys(scene: Scene) -> dict[str, Any]:
    """The server's own signing key, as somebody would have who had stolen it: only what a token says is then wrong."""
    rows = await as_owner(scene.world, "SELECT kid, sealed FROM hallpass.signing_key")
    return jose.from_pem(Keyring.of(scene.world.settings).open(rows[0].kid, rows[0].sealed))


def unsigned(said: dict[str, Any]) -> str:
    """A token of the algorithm `none`."""
    parts = ({"alg": "none", "typ": "at+jwt"}, said)
    return ".".join(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."


@pytest.mark.parametrize(("scope", "allowed"), [
    ("system/Patient.r", {"read", "vread", "history"}),
    ("system/Patient.s", {"search", "search by form"}),
    ("system/Patient.c", {"create"}),
    ("system/Patient.u", {"update"}),
    ("system/Patient.d", {"delete"}),
    ("system/Encounter.cruds", set()),
])  # fmt: skip
async def test_each_interaction_needs_its_scope_and_is_a_403_without(
    scene: Scene, world: World, scope: str, allowed: set[str]
) -> None:
    member = await world.client_of(scene.district.organization, scopes=scope, purposes=("TREAT",))
    held = await scene.district.create(build.patient(f"S-{uuid4().hex}"))
    path = f"/Patient/{held['id']}"
    condition = f"/Patient?identifier={held['identifier'][0]['value']}"
    answers = {
        "read": await member.get(path),
        "vread": await member.get(f"{path}/_history/1"),
        "history": await member.get(f"{path}/_history"),
        "search": await member.get("/Patient"),
        "search by form": await member.post("/Patient/_search", content="name=x", headers=FORM),
        "create": await member.post("/Patient", PLAIN),
        "update": await member.put(path, {**held, "active": True}),
        "conditional update": await member.put(condition, {**held, "active": False}),
        "conditional delete": await member.delete(condition),
        "delete": await member.delete(path),
    }
    for name, response in answers.items():
        if name.removeprefix("conditional ") in allowed:
            assert response.status_code < 300 or name.startswith("conditional"), (name, response.text)
        else:
            refused(response, 403, "forbidden")
            assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'


async def test_a_condition_shows_no_more_than_the_scopes_let_be_read(scene: Scene, world: World) -> None:
    """Who may only create learns that there is one, and not what it says; nor anything of another type."""
    member = await world.client_of(scene.district.organization, scopes="system/Patient.c", purposes=("TREAT",))
    held = scene.student["identifier"][0]["value"]
    refused(await member.post("/Patient", PLAIN, headers={"If-None-Exist": f"identifier={held}"}), 403, "forbidden")
    for value in (held, uuid4()):
        joined = f"identifier={value}&_has:Encounter:patient:status=finished"
        refused(await member.post("/Patient", PLAIN, headers={"If-None-Exist": joined}), 403, "forbidden")
    fresh = await member.post("/Patient", PLAIN, headers={"If-None-Exist": f"identifier={uuid4()}"})
    assert fresh.status_code == 201


async def test_what_is_joined_or_included_needs_a_scope_too(scene: Scene, world: World) -> None:
    member = await world.client_of(scene.district.organization, scopes="system/Encounter.rs", purposes=("TREAT",))
    for query in ("patient.name=x", "patient:Patient.birthdate=2014", "_has:Task:encounter:status=requested"):
        refused(await member.get(f"/Encounter?{query}"), 403, "forbidden")
    bundle = (await member.get("/Encounter?_include=Encounter:patient")).json()
    assert {e["resource"]["resourceType"] for e in bundle["entry"]} == {"Encounter"}
