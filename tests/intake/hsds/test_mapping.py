"""HSDS 3.0 to FHIR and back. http://hl7.org/fhir/us/hsds"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import HallpassError
from app.fhir.validation.validate import check
from app.intake.hsds import export, mapping
from app.intake.hsds.package import services

DATA = Path(__file__).parents[4] / "shared" / "data" / "directory"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")


@needs_data
def test_a_full_service_becomes_what_the_guides_mapping_says() -> None:
    (found,) = services(DATA / "hsds-3.0-made-here" / "service_full.json")
    expected = json.loads((DATA / "hsds-3.0-made-here" / "expected-HealthcareService.json").read_text())
    made = mapping.service(found, expected["providedBy"], expected["location"])
    check("HealthcareService", made)
    apart = {"identifier", "extraDetails", "availabilityExceptions"}
    assert {k: v for k, v in made.items() if k not in apart} == {k: v for k, v in expected.items() if k not in apart}
    assert made["extraDetails"].startswith("Funding Source: County mental health levy\nFees: Sliding scale")
    assert "Bring: Signed release of information" in made["extraDetails"]
    for part in ("MONTHLY 1SA", "Closed 24-26 December"):
        assert part in made["availabilityExceptions"]


@needs_data
def test_a_small_package_of_csv_files_is_joined_by_its_ids() -> None:
    found = services(DATA / "hsds-small")
    assert found
    for s in found:
        organization = mapping.organization(s["organization"], "Organization/x")
        check("Organization", organization)
        made = mapping.service(s, {"reference": "Organization/y"}, [])
        check("HealthcareService", made)
        assert made["active"] is False, "a status that is empty is not active"
        for at in s["service_at_locations"]:
            check("Location", mapping.location(at["location"], "Organization/y"))


def test_dirty_values_are_kept_as_text_or_left_out() -> None:
    dirty: dict[str, Any] = {
        "id": "1",
        "name": " Pantry ",
        "status": "active",
        "phones": [{"number": "no phone"}, {"number": "555-0100", "type": "video"}],
        "languages": [{"code": "en, es"}, {"name": "Mixtec"}],
        "schedules": [
            {"freq": "WEEKLY", "byday": "MO", "opens_at": "9:00", "closes_at": "17:00"},
            {"freq": "WEEKLY", "byday": "MO", "opens_at": "noon", "closes_at": "17:00"},
            {"freq": "WEEKLY", "interval": 2, "byday": "TU", "opens_at": "09:00", "closes_at": "10:00"},
        ],
    }
    made = mapping.service(dirty, {"reference": "Organization/y"}, [])
    check("HealthcareService", made)
    assert made["name"] == "Pantry"
    assert made["telecom"] == [{"system": "other", "value": "555-0100", "use": "work"}]
    assert [c.get("text") or c["coding"][0]["code"] for c in made["communication"]] == ["en", "es", "Mixtec"]
    assert made["availableTime"] == [
        {"daysOfWeek": ["mon"], "availableStartTime": "09:00:00", "availableEndTime": "17:00:00"}
    ]
    assert made["availabilityExceptions"] == "WEEKLY MO noon 17:00; WEEKLY TU 09:00 10:00"
    place = mapping.location({"id": "2", "name": "x", "latitude": -122, "longitude": 38}, "Organization/y")
    assert "position" not in place, "a latitude beyond 90 is none"


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    hours = {"freq": "WEEKLY", "byday": "MO,TU", "opens_at": "09:00", "closes_at": "17:00"}
    source = {
        "id": "s",
        "name": "Pantry",
        "status": "active",
        "description": "Food",
        "url": "https://pantry.example",
        "email": "a@pantry.example",
        "application_process": "By phone",
        "phones": [{"number": "555-0100", "type": "voice"}],
        "languages": [{"code": "es"}],
        "schedules": [hours],
        "service_areas": [{"name": "Williston County"}],
    }
    made = mapping.service(source, {"reference": "Organization/o"}, [{"reference": "Location/l"}])
    address = {"address_1": "1 Main St", "city": "Springfield", "postal_code": "73334", "address_type": "physical"}
    place = mapping.location({"id": "l", "name": "Main", "addresses": [address]}, "Organization/o")
    own = {"Organization/o": {"id": "o", "name": "Bank"}}
    back = export.service({**made, "id": "s"}, own, {"Location/l": {**place, "id": "l"}})
    assert {k: back[k] for k in source} == source
    assert back["organization"] == {"id": "o", "name": "Bank"}
    assert back["service_at_locations"][0]["location"]["addresses"] == [address]


@pytest.mark.parametrize(
    ("name", "content"), [("services.json", "{}"), ("services.json", "nothing"), ("services.json", '{"contents": [1]}')]
)
def test_what_is_no_directory_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(HallpassError):
        services(tmp_path / name)


def test_a_row_of_another_length_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "services.csv").write_text("\ufeffid,name\n1,Pantry\n,\n2,Shelter,too much\n", encoding="utf-8")
    with pytest.raises(HallpassError, match=r"services.csv, line 4: 3 cells, not 2"):
        services(tmp_path)
