"""docs/reference.md says what the CapabilityStatement says and what the routes are, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from sqlalchemy import make_url

from app.capability.interactions import IN_COMPARTMENT, OF_EXPORTS, OF_LEDGER, OF_SYSTEM, OF_TYPES
from app.capability.operation import operations
from app.capability.reference import reference
from app.capability.statement import capability_statement
from app.db.engine import Database
from app.fhir.json import dump
from app.main import PUBLIC, create_app
from app.resources import REGISTRY, TYPES, Visibility
from app.search.parameters import COMMON, PARAMETERS
from app.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
STATEMENT = capability_statement("http://127.0.0.1:8000")
RESOURCES: dict[str, dict[str, Any]] = {r["type"]: r for r in STATEMENT["rest"][0]["resource"] if r["type"] in TYPES}
"""What is stated of the types that hold records. tests/conformance tells of the definitions."""


def test_the_page_is_what_the_code_writes() -> None:
    """Write it by `hallpass export-reference`."""
    assert reference() == PAGE


def section(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without heads."""
    found = PAGE.split(f" {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in found.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def bare(cell: str) -> str:
    """A cell without its backticks."""
    return cell.strip("`")


@pytest.mark.parametrize("name", list(TYPES))
def test_the_parameters_of_a_type_on_the_page_are_those_of_its_capability_statement(name: str) -> None:
    rows = section("Every type") + section(name)
    listed = {(bare(r[0]), r[1], bare(r[-1])) for r in rows}
    stated = {(p["name"], p["type"], p.get("definition", "none")) for p in RESOURCES[name]["searchParam"]}
    assert listed == stated
    assert {bare(r[0]) for r in rows} == set(PARAMETERS[name])


@pytest.mark.parametrize("name", list(TYPES))
def test_the_modifiers_on_the_page_are_those_that_are_taken_and_stated(name: str) -> None:
    stated = {p["name"]: p.get("documentation", "") for p in RESOURCES[name]["searchParam"]}
    for row in section("Every type") + section(name):
        parameter = PARAMETERS[name][bare(row[0])]
        listed = set(re.findall(r"`:([a-z-]+)`", row[2]))
        assert listed == parameter.modifiers
        assert set(re.findall(r":([a-z-]+)", stated[parameter.code])) == listed


def test_the_interactions_on_the_page_are_those_of_the_capability_statement() -> None:
    cells = [r[2] for r in section("Interactions")]
    of_types = {bare(c.split(": ")[1]) for c in cells if c.startswith("rest.resource.interaction")}
    of_system = {bare(c.split(": ")[1]) for c in cells if c.startswith("rest.interaction")}
    for resource in RESOURCES.values():
        assert {i["code"] for i in resource["interaction"]} == of_types
    assert {i["code"] for i in STATEMENT["rest"][0]["interaction"]} == of_system
    assert STATEMENT["rest"][0]["compartment"] == ["http://hl7.org/fhir/CompartmentDefinition/patient"]


def test_the_operations_on_the_page_are_those_of_the_capability_statement() -> None:
    listed = {
        (t, bare(r[0])[1:], bare(r[4].split(": ")[1]))
        for r in section("Operations")
        for t in (TYPES if r[1] == "every type" else [r[1]])
    }
    stated = {(t, o["name"], o["definition"]) for t, r in RESOURCES.items() for o in r["operation"]}
    stated |= {("the service", o["name"], o["definition"]) for o in STATEMENT["rest"][0]["operation"]}
    (ledger,) = [r for r in STATEMENT["rest"][0]["resource"] if r["type"] == "AuditEvent"]
    stated |= {("AuditEvent", o["name"], o["definition"]) for o in ledger["operation"]}
    assert listed == stated


def requests() -> Iterator[str]:
    """Every request on the page with its types filled in, as the routes are written."""
    held = [t.name for t in REGISTRY if t.visibility is Visibility.COMPARTMENT]
    plain = [(i.request, list(TYPES)) for i in OF_TYPES] + [
        (i.request, [""]) for i in (*OF_SYSTEM, *OF_LEDGER, *OF_EXPORTS)
    ]
    plain += [(i.request, held) for i in IN_COMPARTMENT]
    plain += [(r, list(TYPES) if o.type is None else [o.type]) for o in operations() for r in o.requests]
    for request, types in plain:
        for name in types:
            method, _, path = request.partition("?")[0].partition(" ")
            path = (
                path.replace("[type]", name or "")
                .replace("[id]", "{id}")
                .replace("[vid]", "{vid}")
                .replace("[name]", "{name}")
            )
            yield f"{method} /fhir/{path}".rstrip("/")


def test_the_requests_on_the_page_are_the_routes_that_there_are() -> None:
    app = create_app(Settings(), Database(make_url("postgresql+asyncpg://nobody@127.0.0.1:1/none")))
    routes = {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in getattr(route, "methods", None) or ()
        if route.path not in PUBLIC and route.path.startswith("/fhir")
    }
    assert set(requests()) == routes


def test_the_capability_statement_is_valid_and_says_what_the_settings_say() -> None:
    for statement in (STATEMENT, capability_statement("https://x.org", cors=True, most_deletes=5)):
        CapabilityStatement.model_validate_json(dump(statement))
    rest = capability_statement("https://x.org", cors=True, most_deletes=5)["rest"][0]
    assert rest["security"]["cors"] is True
    assert {r["conditionalDelete"] for r in rest["resource"] if r["type"] in TYPES} == {"multiple"}
    assert {r["conditionalDelete"] for r in RESOURCES.values()} == {"single"}
    assert {c for c in COMMON if c.startswith("_")} <= {p["name"] for p in RESOURCES["Patient"]["searchParam"]}
