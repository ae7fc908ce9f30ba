"""What docs/guides/contributing.md promises: each kind of addition is one file of the product, and is everywhere."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL

from tests.contributing.scratch import added, passes


def test_a_law_is_one_file(server: URL, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    assert added("regime", copy) == ["app/consent/regimes/ny_27f.py"]
    passes(copy, server, "tests/planted_regime.py", "tests/consent/test_cases.py", "-k", "planted or law or gates")


def test_a_resource_type_is_one_file(server: URL, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    assert added("types", copy) == ["app/resources/episode_of_care.py"]
    passes(copy, server, "tests/planted_types.py")


def test_a_job_is_one_file(server: URL, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    assert added("job", copy) == ["app/jobs/kinds/analyze_terms.py"]
    passes(copy, server, "tests/planted_job.py")


def test_an_operation_is_one_file(server: URL, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    assert added("operation", copy) == ["app/api/operations/waiting.py"]
    walks = ("tests/invariants/test_one_door.py", "tests/fhir/test_reference.py", "tests/openapi/test_document.py")
    passes(copy, server, "tests/planted_operation.py", *walks, "-k", "planted or routes or requests or open_api")
