"""The schemas and the server agree: what it accepts fits its schema, and a fault that a schema can say is both's."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.fhir.validation.plan import plan
from app.fhir.validation.primitives import CHECKS
from app.fhir.validation.validate import issues
from app.openapi.document import document
from app.openapi.primitives import PRIMITIVES
from app.resources import TYPES
from tests import build
from tests.api.test_examples import ALL
from tests.openapi.test_document import BASE

Json = dict[str, Any]
COMPONENTS = document(BASE)["components"]
STUDENT = {"resourceType": "Patient", "id": "s"}
OWN = {"reference": "Organization/o"}
SEEDS = [
    build.patient(gender="female", deceasedBoolean=False, _birthDate={"extension": [{"url": "x:y", "valueCode": "z"}]}),
    build.guardian(STUDENT),
    build.referral(STUDENT, OWN, quantityQuantity={"value": 1.5, "comparator": "<"}),
    build.encounter(STUDENT, length={"value": 45, "code": "min", "system": "http://unitsofmeasure.org"}),
    build.consent(STUDENT, {"resourceType": "RelatedPerson", "id": "m"}, OWN, OWN),
    build.task(STUDENT, {"resourceType": "ServiceRequest", "id": "r"}, OWN, OWN),
]


@cache
def schema(name: str) -> jsonschema_rs.Draft202012Validator:
    """The validator of a component."""
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": COMPONENTS})


def fits(resource: Json) -> bool:
    """Whether a resource fits the schema of its type."""
    return schema(resource["resourceType"]).is_valid(resource)


@pytest.mark.parametrize("key", list(ALL))
def test_an_official_example_fits_its_schema(key: str) -> None:
    errors = [e.message for e in schema(key.partition("/")[0]).iter_errors(_plain(ALL[key]))]
    assert not errors


@pytest.mark.parametrize(
    ("seed", "fault"),
    [
        (0, {"gender": "lady"}),
        (0, {"shoeSize": 43}),
        (0, {"birthDate": "2014-02-30"}),
        (0, {"birthDate": ""}),
        (0, {"name": []}),
        (0, {"name": {"family": "Rivera"}}),
        (0, {"active": "true"}),
        (2, {"status": None}),
        (2, {"intent": "wish"}),
        (3, {"class": None}),
        (3, {"period": {}}),
        (5, {"lastModified": "2026-09-15T08:00"}),
    ],
)
def test_a_fault_that_a_schema_can_say_is_refused_by_both(seed: int, fault: Json) -> None:
    whole = SEEDS[seed]
    assert fits(whole)
    assert not issues(whole["resourceType"], whole)
    faulty = {k: v for k, v in {**whole, **fault}.items() if v is not None}
    assert not fits(faulty)
    assert issues(faulty["resourceType"], faulty)


ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**31,
        "",
        " ",
        "x",
        "2024",
        "2024-13",
        "a b",
        [],
        {},
        [None],
        {"id": "x"},
        "<div/>",
    ]
)


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=300, deadline=None)
def test_what_the_server_accepts_fits_its_schema(seed: Json, data: st.DataObject) -> None:
    """The other way round it need not be: invariants and references are judged beyond the schema."""
    resource = deepcopy(seed)
    at: Any = resource
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    if key != "resourceType":
        at[key] = data.draw(ODD)
    if not issues(resource["resourceType"], resource):
        assert fits(resource)


TEXTS = st.one_of(st.text(max_size=12), st.from_regex(r"[0-9T:Z+.-]{1,20}"), st.from_regex(r"[A-Za-z0-9+/= ]{1,9}"))


@pytest.mark.parametrize("name", [n for n in PRIMITIVES if n not in ("xhtml", "boolean", "decimal")])
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_primitive_is_for_the_schema_what_it_is_for_the_server(name: str, data: st.DataObject) -> None:
    drawn = st.one_of(TEXTS, st.integers(-(2**32), 2**32), st.booleans(), st.none())
    if "pattern" in PRIMITIVES[name]:
        drawn = st.one_of(drawn, st.from_regex(PRIMITIVES[name]["pattern"], fullmatch=True))
    value = data.draw(drawn)
    if isinstance(value, str) and any(c in "\x85\ufeff" or (c < " " and c not in "\t\n\r") for c in value):
        return  # two are white space to one reader of patterns and not to another; JSON with the others is not parsed
    accepted = CHECKS[name](value) is None
    assert jsonschema_rs.Draft202012Validator(PRIMITIVES[name]).is_valid(value) == accepted


@pytest.mark.parametrize("value", ["====", "A===", "    ", "AA=A", "QUJD\n", "QQ = =", "QUI="])
def test_base64_is_for_the_schema_what_it_is_for_the_server(value: str) -> None:
    accepted = CHECKS["base64Binary"](value) is None
    assert accepted == (value[0] == "Q")
    assert jsonschema_rs.Draft202012Validator(PRIMITIVES["base64Binary"]).is_valid(value) == accepted


@pytest.mark.parametrize("name", list(TYPES))
def test_every_required_code_is_an_enum(name: str) -> None:
    properties = COMPONENTS["schemas"][name]["properties"]
    for element in plan(TYPES[name].model).elements.values():
        if element.codes is not None and not element.sibling:
            own = properties[element.name]
            one = own.get("items", own)
            assert sorted(element.codes) == one.get("enum", one.get("anyOf", [{}])[0].get("enum"))


def _plain(value: Any) -> Any:
    """The value with decimals as JSON's numbers."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | bool | int | None) else float(value)
