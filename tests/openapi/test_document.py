"""The OpenAPI document is exact: its paths are the routes, its parameters are served, its file is what is served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import make_url

from app.errors import TABLE
from app.fhir.capability import capability_statement
from app.main import PUBLIC, create_app
from app.openapi.document import document
from app.openapi.operation import BACKEND
from app.resources import TYPES
from app.settings import Settings
from app.store.engine import Database
from tests.world import World

BASE = Settings.model_fields["base_url"].default
DOCUMENT = document(BASE)
FOLDER = Path(__file__).parents[2] / "openapi"
UNREACHED = Database(make_url("postgresql+asyncpg://nobody@127.0.0.1:1/none"))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of each."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def routes() -> dict[tuple[str, str], str]:
    """The operation id of each route by path and method; OPTIONS is HTTP's own and in no document."""
    app = create_app(Settings(), UNREACHED)
    found = iter_route_contexts(app.routes)
    return {
        (str(r.path), m.lower()): str(r.operation_id) for r in found for m in r.methods or () if m not in ("OPTIONS",)
    }


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation, each as its component says it."""
    listed = operation.get("parameters", [])
    components = DOCUMENT["components"]["parameters"]
    return [components[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in listed]


def test_the_document_is_valid_open_api() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).validate()


def test_its_paths_are_the_routes_and_no_more() -> None:
    documented = {(path, method): operation["operationId"] for path, method, operation in operations()}
    assert documented == routes()


def test_an_operation_id_names_one_operation() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", i) for i in ids)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = set(re.findall(r'"#/components/([a-zA-Z]+)/([^"]+)"', json.dumps(DOCUMENT)))
    there = {(kind, name) for kind, found in DOCUMENT["components"].items() for name in found}
    assert used == {(kind, name) for kind, name in there if kind != "securitySchemes"}


def test_the_files_are_what_is_served() -> None:
    """Write them by `hallpass export-openapi`."""
    assert json.loads((FOLDER / "hallpass.json").read_text()) == DOCUMENT
    assert yaml.load((FOLDER / "hallpass.yaml").read_text(), yaml.CSafeLoader) == DOCUMENT


async def test_what_is_served_is_the_document_in_json_and_in_yaml(world: World) -> None:
    assert (await world.http.get(f"{BASE}/openapi.json")).json() == DOCUMENT
    answer = await world.http.get(f"{BASE}/openapi.yaml")
    assert yaml.load(answer.text, yaml.CSafeLoader) == DOCUMENT
    assert answer.headers["Content-Type"] == "application/yaml"


def test_the_document_names_the_server_that_serves_it() -> None:
    assert document("https://exchange.example.org")["servers"] == [{"url": "https://exchange.example.org"}]


@pytest.mark.parametrize("name", list(TYPES))
def test_a_search_takes_the_parameters_of_the_capability_statement(name: str) -> None:
    stated = next(r for r in capability_statement(BASE)["rest"][0]["resource"] if r["type"] == name)
    search = {p["name"]: p for p in parameters(DOCUMENT["paths"][f"/fhir/{name}"]["get"])}
    assert {p["name"] for p in stated["searchParam"]} <= set(search)
    for found in stated["searchParam"]:
        assert f"({found['type']})" in search[found["name"]]["description"]
    assert set(stated.get("searchInclude", [])) <= set(search["_include"]["schema"]["items"]["enum"])
    assert set(stated.get("searchRevInclude", [])) <= set(search["_revinclude"]["schema"]["items"]["enum"])


@pytest.mark.parametrize("name", [*TYPES, "Any"])
def test_a_search_by_form_takes_what_a_search_takes(name: str) -> None:
    path = "/fhir" if name == "Any" else f"/fhir/{name}"
    asked = {p["name"] for p in parameters(DOCUMENT["paths"][path]["get"]) if p["in"] == "query"}
    assert set(DOCUMENT["components"]["schemas"][f"{name}Search"]["properties"]) == asked


def test_every_answer_is_of_the_closed_table_and_every_error_an_operation_outcome() -> None:
    failures = {status for status, _ in TABLE.values()}
    for path, _, operation in operations():
        statuses = {int(s) for s in operation["responses"]}
        assert {s for s in statuses if s >= 400} <= failures
        if path.startswith("/fhir") and path not in PUBLIC:
            assert {401, 429, 500, 503} <= statuses
    for answer in DOCUMENT["components"]["responses"].values():
        assert answer["content"]["application/fhir+json"]["schema"] == {"$ref": "#/components/schemas/OperationOutcome"}


def test_every_operation_that_is_not_public_says_its_scopes() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"][BACKEND]
    known = scheme["flows"]["clientCredentials"]["scopes"]
    for path, _, operation in operations():
        assert (operation["security"] == []) == (path in PUBLIC and not path.startswith(("/auth/in", "/auth/re")))
        assert all(s in known for way in operation["security"] for s in way.get(BACKEND, []))


def test_every_link_names_an_operation_and_its_parameters() -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations()}
    links = [
        link
        for operation in by_id.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 100
    for link in links:
        assert set(link["parameters"]) <= {p["name"] for p in parameters(by_id[link["operationId"]])}


def test_the_form_of_a_token_request_is_told() -> None:
    body = DOCUMENT["paths"]["/auth/token"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert set(body["schema"]["required"]) == {"grant_type", "scope", "client_assertion_type", "client_assertion"}
    expected = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert body["schema"]["properties"]["client_assertion_type"]["const"] == expected
