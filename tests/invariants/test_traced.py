"""Invariant 4: each record of another whose content a route answers is on the ledger, with the request that gave it."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from app.resources import TYPES, Visibility
from assurance.noninterference.records import build as drawn
from assurance.noninterference.routes import Route, routes
from tests import build
from tests.scene import Scene, as_owner, set_scene
from tests.world import BASE, World

RELEASED = [t for t, d in TYPES.items() if d.visibility is Visibility.COMPARTMENT and t != "Consent"]
MARK = re.compile(r"mark-of-(\w+)")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARAMETERS = {"resourceType": "Parameters"}
NOT_ASKED = ("/docs", "/auth", "/health", "/.well-known", "export")
"""What serves no record, and the export, whose lines tests/api/bulk holds to the ledger."""


async def test_each_record_of_another_that_a_route_answers_with_is_entered(world: World) -> None:
    """Each record of the district bears a mark; what the clinic is answered is searched for them."""
    scene = await set_scene(world, *RELEASED)
    ids = await _marked(scene)
    given: set[str] = set()
    for route in routes(world.http._transport.app):  # type: ignore[attr-defined]
        request = _request(route, ids, scene)
        if request is None:
            continue
        answer = await scene.clinic._send(route.method, **request)
        marks = set(MARK.findall(answer.text + json.dumps(dict(answer.headers))))
        sent = set(MARK.findall(json.dumps(request.get("json"))))
        entered = await as_owner(
            world, "SELECT type FROM hallpass.disclosure WHERE request = :of", of=answer.headers["x-request-id"]
        )
        assert marks - sent <= {row.type for row in entered}, (route, request)
        given |= marks
    assert given == set(RELEASED)


async def _marked(scene: Scene) -> dict[str, str]:
    """The ids of one record of each type about the student, each with a mark of its own."""
    ids: dict[str, str] = {}

    def pick(*types: str) -> dict[str, str] | None:
        found = [t for t in types if t in ids]
        return {"reference": f"{found[0]}/{ids[found[0]]}"} if found else None

    about = scene.records["ServiceRequest"]
    task = build.task(scene.student, about, scene.district.reference, scene.clinic.reference)
    for name in ("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Binary", "Task", *RELEASED):
        if name in ids:
            continue
        body = task if name == "Task" else scene.records.get(name) or drawn(name, Random(name), pick)
        body = {**body, "meta": {"tag": [{"system": "urn:test:mark", "code": f"mark-of-{name}"}]}}
        if name == "DocumentReference":
            body |= {"content": [{"attachment": {"url": f"Binary/{ids['Binary']}"}}]}
            body.pop("securityLabel", None)
        save = scene.district.save if "id" in body else scene.district.create
        ids[name] = (await save(body))["id"]
    return ids


def _request(route: Route, ids: dict[str, str], scene: Scene) -> dict[str, Any] | None:
    """How the clinic asks a route about these records; None for one that is not asked."""
    if route.method not in ("GET", "POST") or any(part in route.path for part in NOT_ASKED):
        return None
    of = ids.get(route.types[0], str(scene.district.organization)) if route.types else ids["Patient"]
    path = BASE + route.path.replace("{id}", of).replace("{vid}", "2" if ids["Patient"] == of else "1")
    last = path.rpartition("/")[2]
    if route.method == "GET":
        return {"path": path + ("?start=2026-01-01&end=2026-12-31" if last == "$referral-report" else "")}
    if last == "_search":
        return {"path": path, "content": "", "headers": FORM}
    if last == "$everything":
        return {"path": path, "json": PARAMETERS}
    if last == "$match":
        known = {"resourceType": "Patient", **{k: scene.student[k] for k in ("identifier", "name", "birthDate")}}
        return {"path": path, "json": {**PARAMETERS, "parameter": [{"name": "resource", "resource": known}]}}
    return None
