"""Profiles, their examples and their package. https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from app.capability import package
from app.capability.catalog import examples, ours, resolve
from app.capability.judge import judge
from app.capability.page import page
from app.capability.profiles import PROFILES
from app.capability.profiling import issues
from app.capability.snapshot import structures
from app.fhir.validation.validate import issues as of_type
from tests.conformance.faults import Fault, every_fault, samples

FAULTS = list(every_fault())


@pytest.mark.parametrize("example", examples(), ids=lambda e: e["id"])
def test_an_example_keeps_the_rules_of_its_type_and_the_profile_it_claims(example: dict[str, Any]) -> None:
    assert of_type(example["resourceType"], example) == []
    assert issues(example, [], whole=True) == []


def test_every_profile_has_an_example() -> None:
    assert all(samples(p) for p in PROFILES)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_one_fault_is_found_at_its_element(fault: Fault) -> None:
    found = judge(fault.resource, fault.profile)
    assert fault.expression in {i.expression for i in found}, found


def test_every_rule_of_a_profile_that_can_be_broken_has_a_fault() -> None:
    broken = {key for key in (f.name.partition(": ")[2] for f in FAULTS) if "-" in key}
    keys = {c.key for p in PROFILES for r in p.rules for c in r.constraints}
    assert keys <= broken


def test_several_faults_are_all_found() -> None:
    student = {"resourceType": "Patient", "identifier": [{"use": "usual"}]}
    found = {i.expression for i in judge(student, PROFILES[0])}
    assert found == {"Patient.identifier[0].system", "Patient.identifier[0].value", "Patient.name", "Patient.birthDate"}


@pytest.mark.parametrize("structure", structures(), ids=lambda s: s["id"])
def test_a_snapshot_says_what_its_differential_says(structure: dict[str, Any]) -> None:
    """And each id stands once, below the one above it."""
    made = {e["id"]: e for e in structure["snapshot"]["element"]}
    assert len(made) == len(structure["snapshot"]["element"])
    for change in structure["differential"]["element"]:
        for key, value in change.items():
            held = made[change["id"]][key]
            assert (
                all(any(v.items() <= h.items() for h in held) for v in value) if key == "constraint" else held == value
            )


def test_what_the_definitions_name_of_ours_is_there() -> None:
    text = json.dumps(ours())
    named = {part.partition('"')[0] for part in text.split('"https://hallpass.example/fhir/')[1:]}
    assert [n for n in named if resolve(f"https://hallpass.example/fhir/{n}") is None] == []


def test_the_package_holds_every_definition_and_example_and_is_the_same_each_time(tmp_path: Path) -> None:
    packed = package.write(tmp_path).read_bytes()
    assert packed == package.package()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        found = {m.name: json.load(archive.extractfile(m)) for m in archive.getmembers()}  # type: ignore[arg-type]
    assert found["package/package.json"]["fhirVersions"] == ["4.0.1"]
    for resource in ours():
        assert found[f"package/{resource['resourceType']}-{resource['id']}.json"] == resource
    for resource in examples():
        assert found[f"package/example/{resource['resourceType']}-{resource['id']}.json"] == resource
    listed = {row["filename"] for row in found["package/.index.json"]["files"]}
    assert listed == {n.removeprefix("package/") for n in found if n.count("/") == 1} - {".index.json", "package.json"}


def test_the_page_is_what_the_code_writes() -> None:
    """Write it by `hallpass export-reference`."""
    assert page() == (Path(__file__).parents[2] / "docs" / "profiles.md").read_text()
