"""Properties of read_tree(), from Consent.provision to a flat list of provisions.

https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
"""

from __future__ import annotations

import os
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.consent import codes as c
from app.consent.provisions import ALWAYS, DEEPEST, Tree, read_tree
from app.fhir.dates import interval, period
from tests.build import actor
from tests.consent.spelled import coded, label
from tests.consent.worlds import HOLDERS, ORGANIZATIONS, RECORDS

Node = dict[str, Any]
ZONE = ZoneInfo("America/New_York")
prove = settings(
    max_examples=int(os.environ.get("PROVE_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def tree(root: Any) -> Tree:
    """A root provision, read for the first holder in a network of all organizations."""
    found = read_tree(root, ZONE, HOLDERS[0], frozenset(ORGANIZATIONS))
    for missing_requirement in found.missing:
        assert re.fullmatch(r"[A-Z][a-z ].*\.?", missing_requirement.text)
        assert missing_requirement.code in ("required", "value")
        assert str(missing_requirement.expression).startswith("Consent.provision")
        assert not missing_requirement.text.isupper()
    return found


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """One to three repetitions of an element."""
    return st.lists(of, min_size=1, max_size=3)


def reference(target: Any, kind: str) -> Node:
    """A Reference."""
    return {"reference": f"{kind}/{target}"}


periods = st.sampled_from([{"start": "2026"}, {"end": "2027-06"}, {"start": "2026-01-01", "end": "2026-12-31"}])
elements = st.fixed_dictionaries(
    {},
    optional={
        "period": periods,
        "dataPeriod": periods,
        "actor": lists(st.sampled_from(ORGANIZATIONS).map(lambda o: actor("IRCP", reference(o, "Organization")))),
        "action": lists(
            st.sampled_from(sorted(c.ACTIONS)).map(lambda a: {"coding": [{"system": c.CONSENT_ACTION, "code": a}]})
        ),
        "purpose": lists(st.sampled_from(sorted(c.PURPOSES)).map(lambda p: {"system": c.ACT_REASON, "code": p})),
        "class": lists(st.sampled_from(sorted(c.TYPE_NAMES)).map(lambda t: {"system": c.RESOURCE_TYPES, "code": t})),
        "code": lists(st.sampled_from(["urn:a|1", "urn:a|2"]).map(lambda t: {"coding": [coded(t)]})),
        "securityLabel": lists(st.sampled_from(["R", "N", "V", "PSY", "SUD", "42CFRPart2"]).map(label)),
        "data": lists(
            st.builds(
                lambda i, meaning: {"meaning": meaning, "reference": reference(i, "Encounter")},
                st.sampled_from(RECORDS),
                st.sampled_from(["instance", "related", "dependents", "authoredby"]),
            )
        ),
    },
)
CODED = ("action", "purpose", "class", "code", "securityLabel")


def _nested(depth: int) -> st.SearchStrategy[Node]:
    if depth == 0:
        return elements
    descendants = st.lists(_nested(depth - 1), min_size=1, max_size=2)
    return st.builds(
        lambda own, more: own | more, elements, st.fixed_dictionaries({}, optional={"provision": descendants})
    )


roots = st.builds(lambda root, kind: root | {"type": kind}, _nested(3), st.sampled_from(["permit", "deny"]))


def walk(node: Node, at: str = "Consent.provision") -> list[tuple[str, Node]]:
    """Each provision with its FHIRPath, in document order; those whose actions open no read are left out whole."""
    actions = {x["coding"][0]["code"] for x in node.get("action", [])}
    if actions and not actions & {"access", "disclose"}:
        return []
    descendants = [walk(child, f"{at}.provision[{i}]") for i, child in enumerate(node.get("provision", []))]
    return [(at, node), *(found for branch in descendants for found in branch)]


@given(root=roots)
@prove
def test_provisions_come_in_document_order_each_an_exception_to_its_parent(root: Node) -> None:
    """Flat, each with its place in the Consent, permit and deny by turns from the root's type."""
    found = tree(root)
    expected = walk(root)
    assert [found.expression[p.node] for p in found.nodes] == [at for at, _ in expected]
    assert [p.node for p in found.nodes] == list(range(len(expected)))
    for p in found.nodes:
        at = found.expression[p.node]
        depth = at.count(".provision") - 1
        assert p.permit == ((root["type"] == "permit") == (depth % 2 == 0))
        ancestors = at.rpartition(".provision")[0]
        assert (found.expression[p.parent] == ancestors) if depth else (p.parent == -1)
        assert [found.expression[q.node] for q in found.line(p)][-1] == "Consent.provision"


@given(root=roots)
@prove
def test_each_element_says_what_it_says_and_an_absent_one_nothing(root: Node) -> None:
    """Repetitions are alternatives; nothing is added and nothing lost."""
    found = tree(root)
    for p, (_, node) in zip(found.nodes, walk(root), strict=True):
        assert p.period == (_window(node["period"]) if "period" in node else ALWAYS)
        assert p.about == (_window(node["dataPeriod"]) if "dataPeriod" in node else None)
        assert p.recipients == _all(node, "actor", lambda a: a["reference"]["reference"].removeprefix("Organization/"))
        assert p.purposes == _all(node, "purpose", lambda x: x["code"])
        assert p.classes == _all(node, "class", lambda x: x["code"])
        assert p.codes == _all(node, "code", lambda x: f"{x['coding'][0]['system']}|{x['coding'][0]['code']}")
        meant = {"instance": p.instances, "related": p.related, "dependents": p.dependents, "authoredby": p.authored}
        for meaning, ids in meant.items():
            named = [d["reference"]["reference"] for d in node.get("data", []) if d["meaning"] == meaning]
            assert {f"Encounter/{i}" for i in ids or ()} == set(named)
            assert (ids is None) == (not named)


@given(root=roots)
@prove
def test_labels_are_a_ceiling_in_a_permit_and_a_floor_in_a_denial(root: Node) -> None:
    """The highest confidentiality that a permit names, the lowest of a denial; the others by name."""
    for p, (_, node) in zip(tree(root).nodes, walk(root), strict=True):
        named = [x["code"] for x in node.get("securityLabel", [])]
        levels = [c.CONFIDENTIALITY[x] for x in named if x in c.CONFIDENTIALITY]
        assert p.confidentiality == ((max if p.permit else min)(levels) if levels else None)
        assert p.labels == (frozenset(x for x in named if x not in c.CONFIDENTIALITY) if named else None)


@given(root=roots, data=st.data())
@prove
def test_one_code_that_is_not_known_is_one_gap_at_its_place(root: Node, data: st.DataObject) -> None:
    """It is not skipped: a criterion that cannot be understood would leave the rest wider than it was signed."""
    assert tree(root).missing == []
    at, node = data.draw(st.sampled_from(walk(root) or [("", {})]))
    coded_elements = [e for e in CODED if e in node and e != "action"]
    assume(coded_elements)
    element = data.draw(st.sampled_from(coded_elements))
    n = data.draw(st.integers(0, len(node[element]) - 1))
    node[element][n] = {"coding": [{"code": "x"}]} if element == "code" else {"system": "urn:other", "code": "x"}
    assert [g.expression for g in tree(root).missing] == [f"{at}.{element}[{n}]"]


@given(root=roots, data=st.data())
@prove
def test_the_order_of_repetitions_does_not_matter(root: Node, data: st.DataObject) -> None:
    """Of codes, actors and data; that of exceptions only numbers them."""
    before = tree(root).nodes
    for _, node in walk(root):
        for element in (*CODED, "actor", "data"):
            if element in node:
                node[element] = data.draw(st.permutations(node[element]))
    assert tree(root).nodes == before


@given(root=roots, data=st.data())
@prove
def test_an_exception_of_its_parents_type_is_a_gap(root: Node, data: st.DataObject) -> None:
    """It turns its parent round, so it cannot say the same; its own type said aloud changes nothing."""
    before = tree(root)
    assume(len(before.nodes) > 1)
    p = data.draw(st.sampled_from(before.nodes[1:]))
    node = dict(walk(root))[before.expression[p.node]]
    node["type"] = "permit" if p.permit else "deny"
    assert tree(root).nodes == before.nodes
    node["type"] = "deny" if p.permit else "permit"
    assert [g.expression for g in tree(root).missing] == [f"{before.expression[p.node]}.type"]


@pytest.mark.parametrize("root", [None, [], "permit", {}, {"type": "maybe"}, {"provision": [{"type": "deny"}]}])
def test_without_a_permit_or_a_denial_at_the_root_there_is_nothing(root: Any) -> None:
    """No provision, and no type, is a gap."""
    found = tree(root)
    assert found.nodes == ()
    assert len(found.missing) == 1


def test_exceptions_nest_as_deep_as_anyone_can_follow_and_no_deeper() -> None:
    """Beyond, it is a gap and not a crash."""
    for depth, missing in ((DEEPEST, 0), (DEEPEST + 1, 1), (3000, 1)):
        root: Node = {}
        for _ in range(depth):
            root = {"provision": [root]}
        found = tree({"type": "permit", **root})
        assert len(found.missing) == missing
        assert len(found.nodes) == min(depth, DEEPEST) + 1


@pytest.mark.parametrize(
    ("start", "end", "empty"),
    [
        ("2026-09-20", "2026-09-19T22:00:00-04:00", True),
        ("2026-09-20T00:00:00-04:00", "2026-09-19T23:59:59-04:00", True),
        ("2026-09-20", "2026-09-20T00:00:00-04:00", False),
        ("2026-09-20", "2026-09-20", False),
    ],
)
@pytest.mark.parametrize("element", ["period", "dataPeriod"])
def test_a_period_that_is_over_before_it_starts_is_a_gap(element: str, start: str, end: str, empty: bool) -> None:
    """In the holder's time zone, to the second."""
    found = tree({"type": "deny", element: {"start": start, "end": end}})
    assert [g.expression for g in found.missing] == ([f"Consent.provision.{element}"] if empty else [])


def test_a_coding_of_another_system_is_not_one_of_ours() -> None:
    """Neither a sensitivity under the confidentiality system nor the other way round."""
    swapped = [{"system": c.ACT_CODE, "code": "R"}, {"system": c.CONFIDENTIALITY_SYSTEM, "code": "PSY"}]
    found = tree({"type": "permit", "securityLabel": swapped})
    assert [g.expression for g in found.missing] == [f"Consent.provision.securityLabel[{n}]" for n in (0, 1)]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("actor[0].reference", actor("IRCP", reference(ORGANIZATIONS[0], "Practitioner"))),
        ("actor[0].reference", actor("IRCP", reference(RECORDS[0], "Organization"))),
        ("actor[0].reference", actor("CST", reference(HOLDERS[0], "Practitioner"))),
        ("actor[0].reference", actor("CST", reference(HOLDERS[1], "Organization"))),
        ("actor[0].role", actor("AUT", reference(HOLDERS[0], "Organization"))),
        ("class[0]", {"system": c.URI, "code": "Encounter"}),
        ("class[0]", {"system": "urn:other", "code": "urn:x"}),
        ("class[0]", {"system": c.URI}),
    ],
)
def test_what_only_looks_like_it_is_a_gap(element: str, value: Node) -> None:
    """An id under another type, a name under another system."""
    found = tree({"type": "permit", element.partition("[")[0]: [value]})
    assert [g.expression for g in found.missing] == [f"Consent.provision.{element}"]


def test_dates_are_meant_in_the_zone_that_is_given() -> None:
    """A partial date covers its whole interval there."""
    (p,) = tree({"type": "permit", "period": {"start": "2026-09", "end": "2027"}}).nodes
    assert p.period == (interval("2026-09", ZONE).lower, interval("2027", ZONE).upper)


def test_every_gap_says_where_it_is() -> None:
    """Each has a FHIRPath below the Consent, and none a value of the record."""
    found = tree(
        {
            "type": "permit",
            "actor": [{"role": {"text": "Ana Rivera"}, "reference": {"display": "Ana Rivera"}}],
            "purpose": [{"code": "Ana"}],
            "data": [{"meaning": "instance", "reference": {"display": "Ana Rivera"}}],
            "code": [{"text": "Ana Rivera"}],
        }
    )
    assert len(found.missing) == 4
    assert all(re.fullmatch(r"Consent\.provision(\.\w+(\[\d+\])?)+", str(g.expression)) for g in found.missing)
    assert not any("Ana" in g.text for g in found.missing)


def _window(stated: Node) -> tuple[Any, Any]:
    found = period(stated, ZONE)
    return found.lower, found.upper


def _all(node: Node, element: str, of: Any) -> frozenset[Any] | None:
    if element not in node:
        return None
    found = frozenset(of(x) for x in node[element])
    return frozenset(o for o in ORGANIZATIONS if str(o) in found) if element == "actor" else found
