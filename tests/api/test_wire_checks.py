"""What is wrong with a request shows, whatever is in the store: found by schemathesis over the OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest

from app.capability.statement import capability_statement
from tests.api.asking import refused
from tests.world import Member

SET = ("DELETE", "PUT", "PATCH")


@pytest.mark.parametrize("method", SET)
@pytest.mark.parametrize("path", ["/Location/_history", "/Location/_search", "/Patient/$match", "/Consent/$preview"])
async def test_a_path_that_stands_for_itself_is_no_id(member: Member, method: str, path: str) -> None:
    answer = await member.http.request(method, f"http://127.0.0.1:8000/fhir{path}", headers=member.headers)
    refused(answer, 405, "not-supported")
    assert not set(SET) & set(answer.headers["Allow"].split(", "))


async def test_a_search_by_form_is_not_read_as_an_id(member: Member) -> None:
    answer = await member.get("/Location/_search")
    refused(answer, 405, "not-supported")
    assert answer.headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("path", ["/Location", "/Location/_history", "/metadata"])
async def test_pretty_is_true_or_false(member: Member, path: str) -> None:
    refused(await member.get(f"{path}?_pretty=very"), 400, "invalid")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/Location?name=nowhere"), ("PUT", "/Location?name=nowhere"), ("PATCH", "/Location?name=nowhere")],
)
async def test_an_if_match_that_is_no_list_of_tags_is_refused_where_nothing_matches(
    member: Member, method: str, path: str
) -> None:
    body = {"resourceType": "Location"} if method == "PUT" else {"resourceType": "Parameters"}
    answer = await member.http.request(
        method,
        f"http://127.0.0.1:8000/fhir{path}",
        json=body,
        headers={**member.headers, "Content-Type": "application/fhir+json", "If-Match": "one, two words"},
    )
    refused(answer, 400, "invalid")


async def test_validate_without_a_resource_is_a_fault_of_the_body(member: Member) -> None:
    answer = await member.post("/Location/$validate", {"resourceType": "Parameters"})
    refused(answer, 422, "required", "Parameters.parameter.where(name='resource')")


@pytest.mark.parametrize(
    ("more", "expression"),
    [
        ({"color": "red"}, "Bundle.color"),
        ({"timestamp": "today"}, "Bundle.timestamp"),
        ({"entry": [{"request": {"method": "GET", "url": "Location"}, "kind": 1}]}, "Bundle.entry[0].kind"),
    ],
)
async def test_what_a_bundle_may_not_hold_beside_its_resources_is_refused(
    member: Member, more: dict[str, object], expression: str
) -> None:
    answer = await member.post("", {"resourceType": "Bundle", "type": "transaction", **more})
    refused(answer, 422, expression=expression)


def test_no_array_of_the_capability_statement_is_empty() -> None:
    def empty(value: Any) -> bool:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return value in ([], {}) or any(map(empty, inner))

    assert not empty(capability_statement("http://127.0.0.1:8000"))
