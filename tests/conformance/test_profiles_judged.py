"""What we define, judged by a validator that we do not use: HAPI's. https://hapifhir.io/hapi-fhir/docs/validation"""

from __future__ import annotations

from typing import Any

import pytest

from app.conformance.catalogue import examples, ours
from app.conformance.snapshot import structures
from tests.conformance.faults import Fault, every_fault
from tests.conformance.hapi import Hapi, severe


@pytest.mark.parametrize("definition", ours(), ids=lambda d: f"{d['resourceType']}-{d['id']}")
def test_a_definition_is_valid(hapi: Hapi, definition: dict[str, Any]) -> None:
    assert severe(hapi.errors(definition)) == []


@pytest.mark.parametrize("example", examples(), ids=lambda e: e["id"])
def test_an_example_keeps_its_profile(hapi: Hapi, example: dict[str, Any]) -> None:
    (profile,) = example.get("meta", {}).get("profile", [""])
    assert severe(hapi.errors(example, profile)) == []


@pytest.mark.parametrize("structure", structures(), ids=lambda s: s["id"])
def test_another_maker_of_snapshots_makes_the_same_of_a_differential(hapi: Hapi, structure: dict[str, Any]) -> None:
    made = [(e["id"], f"{e['min']}..{e['max']}") for e in structure["snapshot"]["element"]]
    assert hapi.snapshot(structure) == made


@pytest.mark.parametrize("fault", list(every_fault()), ids=lambda f: f.name)
def test_what_breaks_a_profile_breaks_it_there_too(hapi: Hapi, fault: Fault) -> None:
    """The snapshot says it, and not only our own reading of the rules."""
    assert hapi.errors(fault.resource, fault.profile.url)
