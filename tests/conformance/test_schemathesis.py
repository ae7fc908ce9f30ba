"""What the OpenAPI document says is what the server does: a bounded run; `make conformance` is the long one.

https://schemathesis.readthedocs.io
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.fuzz import run
from tests.conformance.hooks import EXCUSES
from tests.running import Running, serving

SHARES = {
    "district": "(create|read|update|delete|search|match)Patient|history|vread|bundle",
    "clinic": "(read|search|update|patch|conditionalDelete)Task|searchCompartment|disclosuresOfPatient",
    "stranger": "(create|read|conditionalUpdate)Location|searchByPost|validate|(history|search)System|token",
}
"""The operations that each member is asked to run; together they hold each kind of interaction."""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server process with made-up data."""
    with serving("--demo", until="demo-other-clinic") as found:
        yield found


@pytest.mark.parametrize("member", list(SHARES))
def test_a_member_is_answered_as_the_document_says(server: Running, member: str) -> None:
    chosen = ("--include-operation-id-regex", f"^({SHARES[member]})$")
    found = run(server, member, chosen, depth=1, examples=3, seed=1)
    assert found.passed, found.report
    assert found.requests > 300


def test_every_excuse_says_why() -> None:
    assert all(len(e.why) > 20 and e.words and e.operations for e in EXCUSES)
