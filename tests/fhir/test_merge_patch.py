"""JSON Merge Patch. https://www.rfc-editor.org/rfc/rfc7396"""

from __future__ import annotations

from typing import Any

import pytest

from app.fhir.patch.merge_patch import patched

# The examples of RFC 7396, appendix A, that start from an object and come to one.
EXAMPLES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("before", "change", "after"), EXAMPLES)
def test_what_is_named_is_replaced_and_null_takes_away(
    before: dict[str, Any], change: dict[str, Any], after: dict[str, Any]
) -> None:
    original = dict(before)
    assert patched(before, change) == after
    assert before == original
