"""Whatever is asked, in whatever way, is answered with what is no fault of the server's."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.resources import TYPES
from app.search.parameters import PARAMETERS
from tests import build
from tests.scene import Scene, set_scene
from tests.world import BASE, World

EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """Some records, so that there is something to stumble over."""
    return await set_scene(world, "Patient", "ServiceRequest")


ODD = st.sampled_from(
    ["", "\x00", "'", '"', "\\", "|", ",", "$", ":", "%", "*", "../", "é", "𝕏", "\u202e", "\ud7ff", "-1", "0", "1e999",
     "9" * 30, "null", "true", "[]", "{}", "2014", "2014-02-30", "ge2014-05", "Patient/1", "#", "#x", "urn:uuid:x",
     "http://x|y", "a" * 3_000, str(UUID(int=0)), "NaN", "\r\n", "\t", "𐀀", "ß", "İ"]
)  # fmt: skip
TEXT = st.one_of(ODD, st.text(max_size=12), st.lists(ODD, max_size=4).map("".join))
NAMES = sorted(TYPES)
CONTROLS = [
    "_id",
    "_lastUpdated",
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_total",
    "_summary",
    "_elements",
    "_cursor",
    "_has",
    "_tag",
    "_security",
    "_profile",
    "_format",
    "_pretty",
    "_type",
    "_text",
    "_filter",
]
MODIFIERS = [
    ":exact",
    ":missing",
    ":not",
    ":in",
    ":Patient",
    ":Patient.name",
    ".name",
    ":Encounter:patient:status",
    ":of-type",
    ":identifier",
    ":text",
    ":iterate",
    ":x",
]
VALUES = ["Patient:organization", "Encounter:patient", "*", "name,-birthdate", "count", "finished", "gt2014", "a|b"]


@st.composite
def queries(draw: st.DrawFn, type_name: str | None = None) -> list[tuple[str, str]]:
    """A query: known parameters with odd modifiers, chains and values among unknown ones."""
    known = st.sampled_from(sorted(PARAMETERS[type_name or draw(st.sampled_from(NAMES))]))
    keys = st.one_of(known, st.sampled_from(CONTROLS), TEXT)
    modifiers = st.one_of(st.just(""), st.sampled_from(MODIFIERS))
    values = st.one_of(TEXT, st.sampled_from(VALUES))
    pairs = st.tuples(st.tuples(keys, modifiers).map("".join), values)
    return draw(st.lists(pairs, max_size=4))


def paths(ids: list[str]) -> st.SearchStrategy[str]:
    """A path below the service's root."""
    ids_ = st.one_of(st.sampled_from(ids), TEXT)
    names = st.one_of(st.sampled_from(NAMES), TEXT)
    return st.one_of(
        names,
        st.tuples(names, ids_).map("/".join),
        st.tuples(names, ids_, st.sampled_from(["_history", "$explain-access", "Encounter", "*", "x"])).map("/".join),
        st.tuples(names, ids_, st.just("_history"), TEXT).map("/".join),
        st.tuples(names, st.sampled_from(["_search", "$preview", "$match", "_history"])).map("/".join),
        st.sampled_from(["", "_search", "_history", "metadata", "$nothing"]),
    )


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
SEEDS = [
    build.patient(),
    build.encounter({"resourceType": "Patient", "id": "x"}),
    build.consent(*[{"resourceType": "Patient", "id": "x"}] * 2, *[{"reference": "Organization/x"}] * 2),
    build.task(*[{"resourceType": "Patient", "id": "x"}] * 2, *[{"reference": "Organization/x"}] * 2),
]


@st.composite
def resources(draw: st.DrawFn) -> Any:
    """A resource in which something has been put in the place of something else."""
    found = json.loads(json.dumps(draw(st.sampled_from(SEEDS))))
    for _ in range(draw(st.integers(0, 3))):
        node: Any = found
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and draw(st.booleans()):
                node = node[key]
                continue
            node[key] = draw(JSON)
            break
    if draw(st.booleans()):
        found[draw(TEXT) or "x"] = draw(JSON)
    return found


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A resource, a Bundle with some of them, or anything."""
    kind = draw(st.sampled_from(["resource", "bundle", "json", "bytes"]))
    if kind == "bytes":
        return draw(st.binary(max_size=200))
    if kind == "json":
        return json.dumps(draw(JSON)).encode()
    if kind == "resource":
        return json.dumps(draw(resources())).encode()
    entries = []
    for _ in range(draw(st.integers(0, 3))):
        type_name = draw(st.sampled_from(NAMES))
        request = {"method": draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])), "url": type_name}
        if draw(st.booleans()):
            request["url"] += "?" + draw(TEXT)
        if draw(st.booleans()):
            request[draw(st.sampled_from(["ifNoneExist", "ifMatch", "url", "method"]))] = draw(st.one_of(TEXT, JSON))
        entries.append(
            {"request": request, "resource": draw(resources()), "fullUrl": draw(st.one_of(TEXT, st.just("urn:uuid:x")))}
        )
    kinds = st.sampled_from(["batch", "transaction"])
    return json.dumps({"resourceType": "Bundle", "type": draw(kinds), "entry": entries}).encode()


HEADERS = [
    "If-Match",
    "If-None-Exist",
    "If-None-Match",
    "If-Modified-Since",
    "Prefer",
    "Accept",
    "Content-Type",
    "Content-Encoding",
]


def no_fault(response: Any) -> None:
    """The answer is none of a 5xx; an error is an OperationOutcome."""
    assert response.status_code < 500, (response.request.method, str(response.request.url), response.request.content)
    if response.status_code >= 400 and response.request.method != "HEAD":
        assert response.json()["resourceType"] == "OperationOutcome"


@EXAMPLES
@given(data=st.data())
async def test_no_query_is_a_fault(scene: Scene, data: st.DataObject) -> None:
    type_name = data.draw(st.sampled_from(NAMES))
    pairs = data.draw(queries(type_name))
    for member in (scene.district, scene.clinic):
        no_fault(await member.http.get(f"{BASE}/fhir/{type_name}", params=pairs, headers=member.headers))
    no_fault(
        await scene.district.http.post(
            f"{BASE}/fhir/{type_name}/_search", data=dict(pairs), headers=scene.district.headers
        )
    )


@EXAMPLES
@given(data=st.data())
async def test_no_path_method_or_header_is_a_fault(scene: Scene, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]))
    path = data.draw(paths([r["id"] for r in scene.records.values()] + [str(uuid4())]))
    stated = data.draw(st.dictionaries(st.sampled_from(HEADERS), TEXT, max_size=2))
    safe = {k: re.sub("[\r\n\x00]", "", v).encode() for k, v in stated.items()}
    headers = {**{k: v.encode() for k, v in scene.stranger.headers.items()}, **safe}
    url = f"{BASE}/fhir/{quote(path)}"
    content = data.draw(bodies()) if method in ("POST", "PUT", "PATCH") else None
    if content is not None and data.draw(st.booleans()):
        headers["Content-Type"] = b"application/fhir+json"
    no_fault(await scene.stranger.http.request(method, url, headers=headers, content=content))


@EXAMPLES
@given(data=st.data())
async def test_no_body_is_a_fault(scene: Scene, data: st.DataObject) -> None:
    member = scene.stranger
    body = data.draw(bodies())
    headers = {"Content-Type": "application/fhir+json"}
    no_fault(await member.post("", content=body, headers=headers))
    type_name = data.draw(st.sampled_from(["Patient", "Encounter", "Consent", "Task"]))
    no_fault(await member.post(f"/{type_name}", content=body, headers=headers))
    no_fault(
        await member.http.put(
            f"{BASE}/fhir/{type_name}?_id={uuid4()}", content=body, headers={**member.headers, **headers}
        )
    )
