"""A scope is asked before a body is read: who may do nothing costs nothing. https://hl7.org/fhir/R4/security.html"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.main import PUBLIC, create_app
from tests.api.asking import refused
from tests.world import Member, World

FOR_ANYBODY = {"/fhir"}
"""A Bundle's scopes are those of its entries."""


@pytest_asyncio.fixture(scope="module")
async def powerless(world: World) -> Member:
    """Who may read places, and nothing else."""
    return await world.member("Powerless", scopes="system/Location.r")


def routes_with_a_body(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method, route.path)
        for route in iter_route_contexts(app.routes)
        for method in sorted(getattr(route, "methods", None) or ())
        if method in ("POST", "PUT", "PATCH") and route.path not in PUBLIC | FOR_ANYBODY
        if "/Location" not in route.path
    ]


async def test_no_route_reads_a_body_before_it_has_asked_for_the_scope(world: World, powerless: Member) -> None:
    walked = routes_with_a_body(create_app(world.settings, world.db))
    assert len(walked) > 60
    for method, path in walked:
        read = False

        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            read = True
            yield b"{ this is no JSON"

        url = re.sub(r"{\w+}", str(uuid4()), path).removeprefix("/fhir")
        if method != "POST" and "{" not in path:
            url += "?identifier=x"
        response = await powerless._send(
            method, url, content=body(), headers={"Content-Type": content_type(method, path)}
        )
        refused(response, 403, "forbidden")
        assert not read, (method, path)


def content_type(method: str, path: str) -> str:
    if path.endswith("/_search"):
        return "application/x-www-form-urlencoded"
    return "application/json-patch+json" if method == "PATCH" else "application/fhir+json"


async def test_an_entry_of_a_bundle_is_not_judged_before_its_scope(powerless: Member) -> None:
    bad = {"resourceType": "Patient", "nonsense": True}
    for kind in ("batch", "transaction"):
        for method, url in (("POST", "Patient"), ("PUT", f"Patient/{uuid4()}"), ("PUT", "Patient?identifier=x")):
            entry = {"resource": bad, "request": {"method": method, "url": url}}
            answer = await powerless.post("", {"resourceType": "Bundle", "type": kind, "entry": [entry]})
            assert "system/Patient." in answer.text
            assert "nonsense" not in answer.text


async def test_a_dry_run_needs_the_scope_of_what_it_tries(world: World) -> None:
    reader = await world.member("Reader", scopes="system/Patient.r")
    bad = {"resourceType": "Patient", "nonsense": True}
    refused(await reader.post("/Patient/$validate?mode=create", bad), 403, "forbidden")
    assert (await reader.post("/Patient/$validate", bad)).status_code == 200
