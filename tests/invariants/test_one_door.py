"""Invariant 1: data leaves through the access service alone, by its type, the start-up check and every route."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, WebSocket
from fastapi.routing import iter_route_contexts
from starlette.staticfiles import StaticFiles

from app.api import bundle
from app.db.rows import Stored
from app.exchange.release import Released
from app.main import PUBLIC, RouteOutsideAccessService, create_app, require_access_service
from app.resources import TYPES, Visibility
from tests import build
from tests.notify.asking import subscription
from tests.scene import Scene, as_owner, set_scene
from tests.world import BASE, Member, World

ROW = Stored(
    uuid4(), uuid4(), 1, "Patient", uuid4(), uuid4(), False, True, False, datetime.now(UTC), "POST",
    b'{"resourceType":"Patient"}', 0, b"",
)  # fmt: skip


def test_nothing_but_the_access_service_makes_a_released_resource() -> None:
    for seal in (None, object(), "seal"):
        with pytest.raises(TypeError, match="only the access service releases"):
            Released(seal, ROW, "match", disclosed=False)


class Alike:
    """Has all that a Released has, but is none."""

    type, id, version, updated = "Patient", ROW.id, 1, ROW.updated
    deleted, method, mode, body = False, "POST", "match", ROW.body


@pytest.mark.parametrize("other", [Alike(), ROW, ROW.body])
def test_the_bundle_writers_take_nothing_but_what_was_released(other: Any) -> None:
    for write in (
        lambda: bundle.searchset([other], BASE, [], 1),
        lambda: bundle.history([other], BASE, [], 1),
        lambda: bundle.entry("200 OK", BASE, other, body=True),
    ):
        with pytest.raises(TypeError, match="only what the access service released"):
            write()


def with_route(app: FastAPI) -> None:
    @app.get("/fhir/Patient/{id}/$everything")
    async def everything(id: str) -> dict[str, str]:
        return {"id": id}


def with_websocket(app: FastAPI) -> None:
    @app.websocket("/fhir/$notify")
    async def notify(socket: WebSocket) -> None:
        await socket.accept()


def with_mount(app: FastAPI) -> None:
    app.mount("/export", StaticFiles(directory="/tmp"))


@pytest.mark.parametrize("addition", [with_route, with_websocket, with_mount])
async def test_the_server_does_not_start_with_a_route_beside_the_access_service(world: World, addition: Any) -> None:
    app = create_app(world.settings, world.db)
    require_access_service(app)
    addition(app)
    with pytest.raises(RouteOutsideAccessService):
        require_access_service(app)


# Every route that the application has, so that a new one is covered by itself --------------------------------------


OF_IDS_AND_CLOCK = ("location", "content-location", "last-modified", "x-request-id")
FORM = "application/x-www-form-urlencoded"
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


HOOK = "https://sis.example.org/hook"


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """What the district holds, of which the stranger may see nothing."""
    found = await set_scene(world)
    subject = {"subject": build.ref(found.student)}
    allowed = f"INSERT INTO hallpass.endpoint VALUES ('{found.district.organization}', '{HOOK}')"
    await as_owner(world, allowed)
    for made in (
        {"resourceType": "Binary", "contentType": "text/plain", "securityContext": build.ref(found.student)},
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "content": [{"attachment": {"title": "A plan"}}],
            **subject,
        },
        {"resourceType": "QuestionnaireResponse", "status": "completed", **subject},
        subscription(HOOK),
    ):
        found.records[str(made["resourceType"])] = await found.district.create(made)
    return found


@pytest_asyncio.fixture(scope="module")
async def app(world: World) -> FastAPI:
    """The application, to ask it for its routes."""
    return create_app(world.settings, world.db)


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of everything that is not public."""
    for route in iter_route_contexts(app.routes):
        for method in sorted(getattr(route, "methods", None) or ()):
            if route.path not in PUBLIC:
                yield method, route.path


async def test_every_route_without_a_token_is_a_401_and_says_so_in_fhir(world: World, app: FastAPI) -> None:
    walked = list(routes(app))
    assert len(walked) > 10 * len(TYPES)
    for method, path in walked:
        response = await world.http.request(method, BASE + re.sub(r"{\w+}", str(uuid4()), path))
        assert response.status_code == 401, (method, path)
        assert response.headers["WWW-Authenticate"].startswith("Bearer"), (method, path)
        outcome = response.json()
        assert (outcome["resourceType"], outcome["issue"][0]["code"]) == ("OperationOutcome", "login"), (method, path)


async def test_every_route_tells_a_stranger_of_hidden_records_what_it_tells_of_none(scene: Scene, app: FastAPI) -> None:
    compared = 0
    for method, path in routes(app):
        type_name = path.split("/")[2] if path.count("/") > 1 else ""
        record = scene.records.get(type_name, scene.student)
        twin = _elsewhere(record, keep=[scene.district, scene.clinic])
        hidden = await _ask(scene, method, path, record)
        absent = await _ask(scene, method, path, twin)
        assert _seen(hidden) == _seen(absent), (method, path)
        sent = f"{hidden.request.url} {hidden.request.content.decode()}"
        assert not [s for s in scene.secrets if s in hidden.text and s not in sent], (method, path)
        if "{id}" in path and (type_name not in TYPES or TYPES[type_name].visibility is not Visibility.DIRECTORY):
            assert hidden.status_code == 404, (method, path)
            compared += 1
    assert compared >= 5 * len(scene.records)


async def test_the_same_walk_finds_the_records_for_their_custodian(scene: Scene) -> None:
    """Else the walk above would prove nothing."""
    for name, record in scene.records.items():
        for path in (
            f"/{name}/{record['id']}",
            f"/{name}/{record['id']}/_history/1",
            f"/{name}/{record['id']}/_history",
        ):
            response = await scene.district.get(path, headers={"Accept": "application/fhir+json"})
            assert response.status_code == 200, path
            assert record["id"] in response.text


def _elsewhere(record: dict[str, Any], keep: list[Member]) -> dict[str, Any]:
    """The same with every id but those of organizations, which are no secret, replaced by one that never was."""
    made = {str(m.organization): str(m.organization) for m in keep}
    text = ID.sub(lambda m: made.setdefault(m[0], str(uuid4())), json.dumps(record))
    found: dict[str, Any] = json.loads(text)
    return found


async def _ask(scene: Scene, method: str, path: str, record: dict[str, Any]) -> httpx.Response:
    """The stranger's request of this route about a record."""
    url = path.removeprefix("/fhir").replace("{id}", record["id"]).replace("{vid}", "1")
    if method in ("PUT", "PATCH", "DELETE") and "{id}" not in path:
        url += f"?_id={record['id']}"
    if path.endswith("/_search"):
        return await scene.stranger.post(url, content=f"_id={record['id']}", headers={"Content-Type": FORM})
    if method == "GET":
        return await scene.stranger.get(url if "{id}" in path else f"{url}?_id={record['id']}")
    if method == "PATCH":
        kind = {"Content-Type": "application/json-patch+json"}
        return await scene.stranger._send("PATCH", url, json=[{"op": "remove", "path": "/text"}], headers=kind)
    if method == "DELETE":
        return await scene.stranger.delete(url)
    body = _body(scene, path, record)
    answer = await (scene.stranger.put(url, body) if method == "PUT" else scene.stranger.post(url, body))
    if started := answer.headers.get("content-location"):  # a client has one export at a time
        await scene.stranger.delete(started.removeprefix(f"{BASE}/fhir"))
    return answer


def _body(scene: Scene, path: str, record: dict[str, Any]) -> dict[str, Any]:
    if path == "/fhir":
        entries = [{"request": {"method": "GET", "url": f"{record['resourceType']}/{record['id']}"}}]
        return {"resourceType": "Bundle", "type": "batch", "entry": entries}
    if path.endswith(("$everything", "$events", "$export", "{id}/$extract")):
        return {"resourceType": "Parameters"}
    if path.endswith("$statement"):
        return {"resourceType": "Parameters", "parameter": [{"name": "text", "valueString": "It was not so."}]}
    if path.endswith("$confirm"):
        return {"resourceType": "Parameters", "parameter": [{"name": "by", "valueString": "The registrar"}]}
    if path.endswith("$transfer"):
        to = {"name": "to", "valueReference": scene.clinic.reference}
        return {"resourceType": "Parameters", "parameter": [to, {"name": "notice", "valueCode": "annual-notice"}]}
    if path.endswith("$explain-access"):
        parameter = [
            {"name": "recipient", "valueReference": scene.clinic.reference},
            {"name": "purpose", "valueCode": "TREAT"},
            {"name": "type", "valueCode": "Encounter"},
        ]
        return {"resourceType": "Parameters", "parameter": parameter}
    if "{id}" in path or "$" in path:
        return record
    # To create or to match: the record without an id of its own, about the student, for the stranger's own sake.
    named = path.split("/")[2]
    if named == record["resourceType"]:
        return {k: v for k, v in record.items() if k not in ("id", "meta")}
    return {"resourceType": named, "note": "not valid, and refused as such", "partOf": build.ref(record)}


def _seen(response: httpx.Response) -> tuple[int, dict[str, str], str]:
    """An answer with ids and clock set aside."""
    kept = {k: v for k, v in response.headers.items() if k not in OF_IDS_AND_CLOCK}
    body = ID.sub("ID", response.text)
    return response.status_code, kept, re.sub(r'"lastUpdated":"[^"]+"', "", body)
