"""SQL-on-FHIR views: what rows a resource comes to, and that nothing in a view is skipped.

https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html
"""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import HallpassError
from app.extract.view import View

ANA = {
    "resourceType": "Patient",
    "id": "p1",
    "birthDate": "2010-05-01",
    "deceasedBoolean": False,
    "name": [{"family": "Reyes", "use": "official", "given": ["Ana", "Maria"]}, {"family": "R.", "use": "nickname"}],
    "contact": [
        {"telecom": [{"system": "phone"}], "name": {"given": ["Eva", "L."]}},
        {"telecom": [{"system": "email"}], "name": {"given": ["Bo"]}},
    ],
    "managingOrganization": {"reference": "https://example.org/fhir/Organization/o1/_history/2"},
}
BARE = {"resourceType": "Patient", "id": "p2"}
ID = {"column": [{"name": "id", "path": "getResourceKey()"}]}


def col(name: str, path: str, **more: Any) -> dict[str, Any]:
    """A select of one column."""
    return {"column": [{"name": name, "path": path, **more}]}


def rows(*selects: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """What a view makes of both patients."""
    view = View({"name": "v", "resource": "Patient", "select": list(selects), **more})
    return [row for resource in (ANA, BARE) for row in view.rows(resource)]


def test_a_column_is_a_value_of_the_resource_or_nothing() -> None:
    assert rows(ID, col("born", "birthDate", type="date")) == [
        {"id": "p1", "born": "2010-05-01"},
        {"id": "p2", "born": None},
    ]


def test_for_each_makes_a_row_of_each_and_none_of_nothing() -> None:
    assert rows(ID, {"forEach": "name", **col("family", "family")}) == [
        {"id": "p1", "family": "Reyes"},
        {"id": "p1", "family": "R."},
    ]
    assert rows(ID, {"forEachOrNull": "name", **col("family", "family")})[-1] == {"id": "p2", "family": None}


def test_selects_within_each_other_multiply() -> None:
    inner = {"forEach": "name.given", **col("given", "$this")}
    assert rows({"forEach": "contact", **col("by", "telecom.system"), "select": [inner]}) == [
        {"by": "phone", "given": "Eva"},
        {"by": "phone", "given": "L."},
        {"by": "email", "given": "Bo"},
    ]


def test_a_union_puts_rows_below_each_other() -> None:
    union = [{"forEach": "name", **col("x", "use")}, {"forEach": "contact.telecom", **col("x", "system")}]
    assert [r["x"] for r in rows({"unionAll": union})] == ["official", "nickname", "phone", "email"]


def test_constants_wheres_and_types_of_choices_hold() -> None:
    constants = [{"name": "use", "valueCode": "official"}]
    assert rows(col("family", "name.where(use = %use).family"), constant=constants) == [
        {"family": "Reyes"},
        {"family": None},
    ]
    assert rows(ID, where=[{"path": "deceased.ofType(boolean).exists()"}]) == [{"id": "p1"}]
    assert rows(col("died", "deceased.ofType(boolean)", type="boolean"))[0] == {"died": False}


def test_a_reference_gives_the_key_of_what_it_leads_to() -> None:
    for path, key in (
        ("managingOrganization.getReferenceKey()", "o1"),
        ("managingOrganization.getReferenceKey(Organization)", "o1"),
        ("managingOrganization.getReferenceKey(Practitioner)", None),
    ):
        assert rows(col("of", path))[0] == {"of": key}


def test_a_collection_holds_all_values_and_another_column_one() -> None:
    assert rows(col("given", "name.given", collection=True)) == [{"given": ["Ana", "Maria"]}, {"given": []}]
    with pytest.raises(HallpassError, match="several values"):
        rows(col("given", "name.given"))


@pytest.mark.parametrize(
    "content",
    [
        {"select": []},
        {"select": [{"column": [{"name": "a b", "path": "id"}]}]},
        {"select": [{"column": [{"name": "a", "path": "id.("}]}]},
        {"select": [{"column": [{"name": "a"}]}]},
        {"select": [{**ID, "repeat": ["contact"]}]},
        {"select": [ID, ID]},
        {"select": [{"unionAll": [col("a", "id"), col("b", "id")]}]},
        {"select": [{**ID, "forEach": "name", "forEachOrNull": "name"}]},
        {"select": [ID], "where": [{"path": "name.where(use = %lost)"}]},
        {"select": [ID], "constant": [{"name": "lost"}]},
        {"select": [ID], "name": "../v"},
    ],
)
def test_a_view_that_is_not_understood_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(HallpassError):
        View({"name": "v", "resource": "Patient", **content})
