"""The OpenAPI document is exact: its paths are the routes, its parameters are served, its file is what is served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import make_url

from app.capability.statement import capability_statement
from app.db.engine import Database
from app.errors import TABLE
from app.main import PUBLIC, create_app
from app.office.routes import PATHS as OFFICE_PAGES
from app.openapi.document import document
from app.openapi.operation import BACKEND
from app.partner.routes import PATHS as PARTNER_PAGES
from app.resources import TYPES
from app.settings import DEFAULT_URL, Settings
from app.signing.routes import PATHS as SIGNING_PAGES
from tests.world import World

BASE = DEFAULT_URL
DOCUMENT = document(BASE)
FOLDER = Path(__file__).parents[2] / "openapi"
KINDS = {
    "token": "Search",  # an id, a truth or a code
    "string": "SearchString",
    "date": "SearchDate",
    "reference": "SearchReference",
    "quantity": "SearchQuantity",
    "uri": "SearchUri",
    "composite": "SearchComposite",
}
UNREACHED = Database(make_url("postgresql+asyncpg://nobody@127.0.0.1:1/none"))


LARGEST = 20_000 * len(TYPES)
"""Characters. With each type spelled out wherever it stands it had 1,836,639, and no browser opened an operation."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of each, with the parameters of its path."""
    for path, item in DOCUMENT["paths"].items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, {**operation, "parameters": [*shared, *operation.get("parameters", [])]}


def operation(path: str, method: str) -> dict[str, Any]:
    """One operation."""
    return next(o for p, m, o in operations() if (p, m) == (path, method))


def routes() -> set[tuple[str, str]]:
    """Path and method of each route; OPTIONS is HTTP's own and in no document, nor are the pages of light partners."""
    app = create_app(Settings(), UNREACHED)
    found = [r for r in iter_route_contexts(app.routes) if r.path not in PARTNER_PAGES | OFFICE_PAGES | SIGNING_PAGES]
    return {(str(r.path), m.lower()) for r in found for m in r.methods or () if m not in ("OPTIONS",)}


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation, each as its component says it."""
    return [resolved(p) for p in operation["parameters"]]


def resolved(found: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; itself where it is none."""
    if "$ref" not in found:
        return found
    _, _, kind, name = found["$ref"].split("/")
    component: dict[str, Any] = DOCUMENT["components"][kind][name]
    return component


def spelled(path: str, asked: dict[str, Any]) -> list[str]:
    """The paths that one with a type in it stands for."""
    types = next((p["schema"]["enum"] for p in parameters(asked) if p["name"] == "type" and p["in"] == "path"), [])
    return [path.replace("{type}", t) for t in types] or [path]


def test_the_document_is_valid_open_api() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).validate()


def test_its_paths_are_the_routes_and_no_more() -> None:
    documented = [(own, method) for path, method, found in operations() for own in spelled(path, found)]
    assert len(documented) == len(set(documented))
    assert set(documented) == routes()


def test_it_is_small_enough_for_a_browser() -> None:
    assert len(json.dumps(DOCUMENT, separators=(",", ":"), ensure_ascii=False)) < LARGEST


def test_an_operation_id_names_one_operation() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", i) for i in ids)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = set(re.findall(r'"#/components/([a-zA-Z]+)/([^"]+)"', json.dumps(DOCUMENT)))
    there = {(kind, name) for kind, found in DOCUMENT["components"].items() for name in found}
    assert used == {(kind, name) for kind, name in there if kind != "securitySchemes"}


def test_the_file_is_what_is_served() -> None:
    """Write it by `hallpass export-openapi`."""
    assert [p.name for p in FOLDER.iterdir()] == ["hallpass.json"]
    assert json.loads((FOLDER / "hallpass.json").read_text()) == DOCUMENT


async def test_what_is_served_is_the_document(world: World) -> None:
    assert (await world.http.get(f"{BASE}/openapi.json")).json() == DOCUMENT


def test_the_document_names_the_server_that_serves_it() -> None:
    assert document("https://exchange.example.org")["servers"] == [{"url": "https://exchange.example.org"}]


@pytest.mark.parametrize("name", list(TYPES))
def test_a_search_takes_the_parameters_of_the_capability_statement(name: str) -> None:
    stated = next(r for r in capability_statement(BASE)["rest"][0]["resource"] if r["type"] == name)
    search = {p["name"]: p for p in parameters(operation(f"/fhir/{name}", "get"))}
    assert {p["name"] for p in stated["searchParam"]} <= set(search)
    for found in stated["searchParam"]:
        assert KINDS[found["type"]] in search[found["name"]]["schema"]["$ref"]
    for name, kind in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        pattern = search[name]["schema"]["items"]["pattern"]
        assert all(re.search(pattern, value) for value in stated.get(kind, []))


def test_a_search_by_form_takes_what_every_search_takes() -> None:
    asked = {p["name"] for p in parameters(operation("/fhir", "get")) if p["in"] == "query"}
    assert set(DOCUMENT["components"]["schemas"]["SearchForm"]["properties"]) < asked


def test_every_error_is_an_operation_outcome_of_the_closed_table() -> None:
    for path, _, found in operations():
        statuses = set(found["responses"]) - {"default", "2XX"}
        assert {s for s in statuses if s >= "400"} <= ({"400", "401", "429"} if path.startswith("/auth/") else set())
        assert found["responses"]["default"] == {"$ref": "#/components/responses/Error"}
    error = DOCUMENT["components"]["responses"]["Error"]
    assert error["content"]["application/fhir+json"]["schema"] == {"$ref": "#/components/schemas/OperationOutcome"}
    told = {int(s) for s in re.findall(r"^- (\d+):", error["description"], re.MULTILINE)}
    assert told == {status for status, _ in TABLE.values()} - {405}


def test_every_operation_that_is_not_public_says_its_scopes() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"][BACKEND]
    known = scheme["flows"]["clientCredentials"]["scopes"]
    for path, _, operation in operations():
        public = all(own in PUBLIC for own in spelled(path, operation))
        assert (operation["security"] == []) == (public and not path.startswith(("/auth/in", "/auth/re")))
        assert all(s in known for way in operation["security"] for s in way.get(BACKEND, []))


def test_every_link_names_an_operation_and_its_parameters() -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations()}
    answers = DOCUMENT["components"]["responses"].values()
    links = [link for answer in answers for link in answer.get("links", {}).values()]
    assert len(links) >= 3 * len(TYPES)
    for link in links:
        assert set(link["parameters"]) <= {p["name"] for p in parameters(by_id[link["operationId"]])}


def test_the_form_of_a_token_request_is_told() -> None:
    body = DOCUMENT["paths"]["/auth/token"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert set(body["schema"]["required"]) == {"grant_type", "scope", "client_assertion_type", "client_assertion"}
    expected = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert body["schema"]["properties"]["client_assertion_type"]["const"] == expected
