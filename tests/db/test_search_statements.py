"""The statements of a search: what they read, whatever the statistics say, and which searches share one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.db import search_queries
from app.db.bodies import UNBOUNDED
from app.db.include import included, listed
from app.db.rows import Stored
from tests.db.shelf import Shelf, uid
from tests.search.support import search


@pytest.mark.parametrize(
    ("type_name", "query"),
    [
        ("Encounter", ""),
        ("Encounter", "subject:Patient.name=a"),
        ("Encounter", "part-of.subject:Patient.organization.name=a"),
        ("Patient", "_has:Encounter:patient:status=planned"),
        ("Patient", "_has:Encounter:patient:_has:ServiceRequest:encounter:status=active"),
        ("PractitionerRole", "organization.address-state:exact=NY"),
    ],
)
async def test_only_what_is_named_is_read_from_all_resources(shelf: Shelf, type_name: str, query: str) -> None:
    """The live check costs for each candidate and target, never for each row of everyone, whatever the statistics."""
    wanted = search(type_name, query)
    for ask in (search_queries.page(wanted, uid("district"), None, 10), search_queries.total(wanted, uid("district"))):
        assert set(_scans(await shelf.plan(*ask))) <= {"Limit", "Nested Loop"}


@pytest.mark.parametrize("query", ["_include=Encounter:subject", "_include=*", "_revinclude=ServiceRequest:encounter"])
async def test_only_what_is_named_is_included_from_all_resources(shelf: Shelf, query: str) -> None:
    """Each is looked up by itself, here as well."""
    rows = await shelf.page("district", search("Encounter", ""), None, 5)
    sources = [Stored(*r[: len(Stored._fields)]) for r in rows]
    brought = included(search("Encounter", query).includes, sources, [], 10, UNBOUNDED)
    assert brought is not None
    for ask in (brought, listed(sources, [], 10, UNBOUNDED)):
        assert set(_scans(await shelf.plan(*ask))) == {"Limit"}


def _scans(node: dict[str, Any], ancestors: str = "") -> Iterator[str]:
    """The kind of node above each scan of `resource`, without the policies' own and without the directory's.

    What the caller holds is apart as well: it is read by the index of custodians.

    A Result in between only says whether the scan is made at all.
    """
    held = node.get("Index Name") in ("resource_held", "resource_custody")
    if node.get("Relation Name") == "resource" and node["Alias"] != "d" and not held:
        yield ancestors
    for child in node.get("Plans", []):
        if child["Parent Relationship"] not in ("InitPlan", "SubPlan"):
            yield from _scans(child, ancestors if node["Node Type"] == "Result" else node["Node Type"])


async def test_searches_of_one_form_share_a_statement(shelf: Shelf) -> None:
    """Building a statement costs more than running it: without criteria it is made once for all callers."""
    first = search_queries.page(search("Encounter", "_count=3"), uid("district"), None, 3)
    again = search_queries.page(search("Encounter", "_count=9"), uid("clinic"), None, 9)
    assert first.statement is again.statement
    assert first.values != again.values
    totals = [search_queries.total(search("Encounter", q), uid("clinic")).statement for q in ("", "_count=3")]
    assert totals[0] is totals[1]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("status=planned", "status=finished", True),
        ("status=planned&class=AMB", "status=finished&class=HH", True),
        ("identifier=urn:a|1", "identifier=|1", True),
        ("identifier=urn:a|1", "identifier=1", False),
        ("identifier=urn:a|1", "identifier=urn:a|", False),
        ("status=planned", "class=AMB", False),
        ("status=planned", "status:not=planned", False),
        ("status=planned", "status=planned,finished", False),
    ],
)
def test_searches_that_differ_in_codes_alone_share_a_statement(one: str, other: str, shared: bool) -> None:
    """Whether a code and a system are asked for is of the form, and so is what the parameter and the modifier are."""
    asks = [search_queries.page(search("Encounter", q), uid("clinic"), None, 3, counted=True) for q in (one, other)]
    assert (asks[0].statement is asks[1].statement) == shared
    totals = [search_queries.total(search("Encounter", q), uid("clinic")) for q in (one, other)]
    assert (totals[0].statement is totals[1].statement) == shared


async def test_a_statement_keeps_to_its_organization_by_itself(shelf: Shelf) -> None:
    """The owner of the tables, whom no row-level security holds, still gets that organization's candidates only."""
    ask = search_queries.page(search("Patient", ""), uid("clinic"), None, 10)
    assert [shelf.name_of(r) for r in await shelf.rows_as_owner(*ask)] == ["cleo"]
