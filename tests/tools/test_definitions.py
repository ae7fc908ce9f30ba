"""HL7's definitions are pinned, and all that types need of them is understood. https://hl7.org/fhir/R4/downloads.html"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.fhir.validation.constraints import NOT_ASKED, Constraint, constraints
from app.fhir.validation.invariants import INVARIANTS
from app.fhir.validation.plan import resource_model
from app.search.parameters import parameter
from tools.definitions import WrongPackage, checked, displays
from tools.definitions import constraints as extracted

FOLDER = Path(__file__).parents[2] / "app" / "search" / "definitions"
RECORDS: list[dict[str, Any]] = json.loads((FOLDER / "search-parameters.json").read_text())
CHANGED_BY_R4B = frozenset({"Evidence", "EvidenceVariable"})
"""Types whose elements are others in R4B, whose models are used here."""
ASKED = [(name, rule) for name, rules in constraints().items() for rule in rules]


def test_every_search_expression_of_r4_compiles() -> None:
    """Composites, choices and extensions included; of each type that there is a model of."""
    asked = [r for r in RECORDS if resource_model(r["base"]) and r["base"] not in CHANGED_BY_R4B]
    served = [parameter(r, resource_model(r["base"])) for r in asked if r["kind"] != "special" and "expression" in r]  # type: ignore[arg-type]
    assert len(served) > 1500
    assert all(p.paths for p in served)
    assert len([p for p in served if p.components]) > 40


@pytest.mark.parametrize(("name", "rule"), ASKED, ids=[f"{n}-{r.key}" for n, r in ASKED])
def test_every_invariant_of_r4_is_evaluated(name: str, rule: Constraint) -> None:
    """On an object that says nothing it comes to an answer."""
    assert rule.holds({}, {"resourceType": name}) in (True, False)


def test_an_invariant_is_held_in_one_place() -> None:
    """By a plain function, or by HL7's expression."""
    for name, rules in constraints().items():
        assert {r.key for r in rules}.isdisjoint(r.key for r in INVARIANTS.get(name, ()))
    assert all(len(why) > 20 for why in NOT_ASKED.values())


def test_a_package_of_another_content_is_refused() -> None:
    with pytest.raises(WrongPackage, match="look at what changed"):
        checked(b"another", "0" * 64)


def test_an_invariant_of_an_element_with_a_type_of_its_own_is_asked_of_what_holds_it() -> None:
    """One of a structure is asked of the structure."""

    def element(path: str, code: str, key: str) -> dict[str, Any]:
        constraint = {"key": key, "severity": "error", "human": "H", "expression": "use.trace('x').exists()"}
        return {"path": path, "type": [{"code": code}], "constraint": [constraint]}

    elements = [element("A.address[x]", "Address", "a-1"), element("A.part.bit", "BackboneElement", "a-2")]
    definition = {"resourceType": "StructureDefinition", "derivation": "specialization", "kind": "resource"}
    found = extracted([{**definition, "type": "A", "snapshot": {"element": elements}}])
    assert [r["expression"] for r in found["A"]] == ["address.all(use.exists())"]
    assert [(r["key"], r["base"]) for r in found["APartBit"]] == [("a-2", "A.part.bit")]


def test_the_words_of_a_code_system_are_kept_at_any_depth_where_they_are_used() -> None:
    below = {"code": "b", "display": "B"}
    concepts = [{"code": "a", "display": "A", "concept": [below]}, {"code": "c", "display": "C"}]
    used = "http://terminology.hl7.org/CodeSystem/object-role"
    found = [{"resourceType": "CodeSystem", "url": url, "concept": concepts} for url in (used, "urn:other")]
    assert displays(found) == [{"url": used, "displays": {"a": "A", "b": "B", "c": "C"}}]
