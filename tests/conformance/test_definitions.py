"""What the CapabilityStatement names can be had from the server, by anybody. https://hl7.org/fhir/R4/conformance-module.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from app.api.operations import disclosures
from app.capability.catalog import TYPES, ours, resolve
from app.capability.statement import capability_statement
from app.consent import codes as consent
from app.consent.regimes import REGIMES
from app.intake.edfi import mapping
from app.ledger import events
from app.ledger.security_log import KindOfEvent
from app.resources import REGISTRY
from app.search.parameters import PARAMETERS
from app.terminology.code_systems import codes as concepts
from tests.world import BASE, World

STATEMENT = capability_statement(BASE)
ELSEWHERE = ("http://terminology.hl7.org/", "http://fhir-registry.smarthealthit.org/")

"""Terminology that we only use, and the definition of SMART's extension."""
GUIDES = ("http://hl7.org/fhir/uv/subscriptions-backport/", "http://hl7.org/fhir/uv/bulkdata/")
"""The guides to Subscriptions and to bulk data, whose definitions HL7 serves."""


def named(node: Any) -> Iterator[tuple[str, str]]:
    """Each canonical URL in a CapabilityStatement with the element that it stands in."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key in ("definition", "profile"):
            yield key, value
        elif key in ("supportedProfile", "compartment"):
            yield from ((key, v) for v in value)
        else:
            for item in value if isinstance(value, list) else [value]:
                yield from named(item)


async def found(world: World, kind: str, **query: str) -> list[dict[str, Any]]:
    """The resources of a search without a token."""
    response = await world.http.get(f"{BASE}/fhir/{kind}", params=query)
    assert response.status_code == 200, response.text
    bundle = response.json()
    entries = bundle.get("entry", [])
    assert bundle["total"] == len(entries)
    for entry in entries:
        assert entry["fullUrl"] == f"{BASE}/fhir/{kind}/{entry['resource']['id']}"
    return [e["resource"] for e in entries]


@pytest.mark.parametrize("url", sorted({u for _, u in named(STATEMENT) if not u.startswith(GUIDES)}))
async def test_every_definition_that_is_named_is_served_under_its_url(world: World, url: str) -> None:
    kind = url.rsplit("/", 2)[-2]
    (definition,) = await found(world, kind, url=url)
    assert (definition["resourceType"], definition["url"]) == (kind, url)
    read = await world.http.get(f"{BASE}/fhir/{kind}/{definition['id']}")
    assert read.json() == definition
    assert read.headers["content-type"] == "application/fhir+json"


async def test_all_that_is_served_is_named(world: World) -> None:
    resources = {r["type"]: r for r in STATEMENT["rest"][0]["resource"]}
    assert list(resources) == [t.name for t in REGISTRY] + ["AuditEvent"] + list(TYPES)
    for declared in REGISTRY:
        stated = resources[declared.name]
        assert {p["name"] for p in stated["searchParam"]} == set(PARAMETERS[declared.name])
        assert stated["profile"] == f"http://hl7.org/fhir/StructureDefinition/{declared.name}"
    for kind in TYPES:
        assert {i["code"] for i in resources[kind]["interaction"]} == {"read", "search-type"}


@pytest.mark.parametrize("definition", ours(), ids=lambda d: f"{d['resourceType']}-{d['id']}")
async def test_a_definition_of_ours_is_found_by_each_of_its_parameters(
    world: World, definition: dict[str, Any]
) -> None:
    kind = definition["resourceType"]
    assert await found(world, kind, url=definition["url"]) == [definition]
    assert await found(world, kind, url=f"{definition['url']}|{definition['version']}") == [definition]
    assert await found(world, kind, url=f"{definition['url']}|9.9") == []
    assert definition in await found(world, kind, name=definition["name"][:-1].lower(), status="active")
    assert await found(world, kind, name=f"{definition['name']}x") == []
    assert await found(world, kind, _id=f"{definition['id']},none", version=definition["version"]) == [definition]
    assert await found(world, kind, name=definition["name"], status="retired") == []


@pytest.mark.parametrize("kind", TYPES)
async def test_what_is_not_there_and_what_is_not_understood_is_refused(world: World, kind: str) -> None:
    for path, headers, status in (
        (f"{kind}/none", {}, 404),
        (f"{kind}?near=here", {}, 400),
        (f"{kind}", {"Accept": "text/turtle"}, 406),
    ):
        response = await world.http.get(f"{BASE}/fhir/{path}", headers=headers)
        assert response.status_code == status
        assert response.json()["resourceType"] == "OperationOutcome"
    written = await world.http.post(f"{BASE}/fhir/{kind}", json={"resourceType": kind})
    assert written.status_code == 405


async def test_a_web_page_of_any_origin_may_read_a_definition(world: World) -> None:
    response = await world.http.get(f"{BASE}/fhir/CodeSystem/regime", headers={"Origin": "https://page.example"})
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("system", "codes"),
    [
        ("regime", {r.code for r in REGIMES}),
        ("expiry-event", consent.EVENTS | {consent.NO_EVENT}),
        ("actor-role", {"intermediary"}),
        ("disclosure-basis", disclosures.BASES),
        ("audit-event-kind", set(get_args(KindOfEvent))),
    ],
)
def test_a_code_system_has_the_codes_that_the_server_uses(system: str, codes: set[str]) -> None:
    assert set(concepts(system)) == codes


@pytest.mark.parametrize(
    "url", [events.OURS, events.EVENT, consent.REGIME_SYSTEM, consent.ACTOR_ROLE, consent.EXPIRY_EVENT]
)
def test_a_code_system_that_the_server_writes_is_defined(url: str) -> None:
    assert resolve(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        consent.GUARDIAN_AUTHORITY,
        consent.HONOR_EXTENSION,
        consent.EXPIRY_EVENT_EXTENSION,
        mapping.GRADE_LEVEL,
        mapping.LIVES_WITH,
    ],
)
def test_an_extension_that_the_server_understands_is_defined(url: str) -> None:
    assert resolve(url) is not None


async def test_definitions_are_counted_cut_and_found_by_a_form(world: World) -> None:
    url = f"{BASE}/fhir/ValueSet"
    every = (await world.http.get(url)).json()
    some = (await world.http.get(f"{url}?_count=2")).json()
    assert (some["total"], len(some["entry"])) == (every["total"], 2)
    counted = (await world.http.get(f"{url}?_summary=count")).json()
    assert (counted["total"], "entry" in counted) == (every["total"], False)
    short = (await world.http.get(f"{url}?_summary=true")).json()["entry"][0]["resource"]
    assert short["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert short["url"]
    name = every["entry"][0]["resource"]["name"]
    form = await world.http.post(f"{url}/_search", data={"name": name})
    assert form.json()["entry"][0] == every["entry"][0]
    assert (await world.http.get(f"{url}?_count=x")).status_code == 400
    assert (await world.http.get(f"{url}?_summary=x")).status_code == 400
