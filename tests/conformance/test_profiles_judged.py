"""What we define, judged by a validator that we do not use: HAPI's. https://hapifhir.io/hapi-fhir/docs/validation"""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

import pytest

from app.capability.catalog import examples, ours
from app.capability.package import contents, package
from app.capability.snapshot import structures
from app.terminology.definition import FHIR_VERSION, PACKAGE, VERSION
from tests.conformance.faults import Fault, every_fault
from tests.conformance.hapi import Hapi, severe

BY_HL7 = "binds to the value set 'http://hl7.org/fhir/ValueSet/languages' which is experimental"
"""A warning at what a snapshot takes over from HL7's own definition."""


def test_another_reader_of_packages_finds_every_definition_and_example(hapi: Hapi) -> None:
    manifest, *found = hapi.package()
    assert manifest == [PACKAGE, VERSION, FHIR_VERSION]
    packed = [[d["resourceType"], d["id"], d.get("url", "null")] for d in (*ours(), *examples())]
    assert sorted(found) == sorted(packed)


@pytest.mark.parametrize("path", [p for p in contents() if p.count("-")])
def test_what_is_in_the_package_is_valid_without_a_warning(hapi: Hapi, path: str) -> None:
    packed = gzip.decompress(package())
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile(path)
        assert file is not None
        text = file.read().decode().replace("\n", " ")
    assert [line for line in severe(hapi.findings(text)) if BY_HL7 not in line] == []


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
