"""A Consent out of a form's fields: complete, or with an explanation of each gap."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.consent.draft import draft

Json = dict[str, Any]
FORMS = Path(__file__).parents[3] / "shared" / "data" / "consent" / "forms-made-here"
NOW = datetime(2026, 9, 20, tzinfo=UTC)
IDS = [f"00000000-0000-4000-8000-{n:012}" for n in range(5)]


def form(**more: Any) -> Json:
    """A complete form."""
    return {
        "regime": "FERPA 34 CFR 99.30",
        "student": {"reference": f"Patient/{IDS[0]}", "birthDate": "2014-11-13"},
        "signer": {
            "reference": f"RelatedPerson/{IDS[1]}",
            "name": "Carmen Dyer",
            "capacity": "parent",
            "signedOn": "2026-09-15",
            "signature": "present",
        },
        "discloser": {"reference": f"Organization/{IDS[2]}"},
        "recipients": [{"reference": f"Organization/{IDS[3]}", "name": "Bayside Counseling"}],
        "records": ["counseling referral", "visits"],
        "purpose": "treatment and coordination of the referral",
        "begin": "2026-09-15",
        "end": "2027-06-30",
        **more,
    }


def fields(found: Json) -> list[str]:
    """The fields that have a gap."""
    return sorted({g.field for g in draft(found, NOW).gaps})


def test_a_complete_form_is_an_active_release() -> None:
    found = draft(form(), NOW)
    assert found.gaps == ()
    assert found.consent["status"] == "active"
    provision = found.consent["provision"]
    assert [x["code"] for x in provision["class"]] == ["ServiceRequest", "Encounter"]
    assert [x["code"] for x in provision["purpose"]] == ["COC", "TREAT"]
    assert provision["period"] == {"start": "2026-09-15", "end": "2027-06-30"}


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"records": ["all records"]}, "records[0]"),
        ({"records": []}, "records"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "curiosity"}, "purpose"),
        ({"recipients": []}, "recipients"),
        ({"recipients": ["Bayside Counseling"]}, "recipients[0]"),
        ({"regime": "HIPAA 45 CFR 164.508", "end": ""}, "end"),
        ({"regime": ""}, "regime"),
        ({"shoe size": 43}, "shoe size"),
        ({"student": {"reference": f"Patient/{IDS[0]}", "birthDate": "2000-01-01"}}, "signer"),
        (
            {"signer": {"reference": f"RelatedPerson/{IDS[1]}", "capacity": "neighbor", "signedOn": "2026-09-15"}},
            "signer",
        ),
    ],
)
def test_each_gap_is_told_by_its_field(fault: Json, field: str) -> None:
    found = draft(form(**fault), NOW)
    assert field in {g.field for g in found.gaps}
    assert found.consent["status"] == "draft"


def test_an_adult_student_signs_alone() -> None:
    own = {"capacity": "student", "signedOn": "2026-09-15", "signature": "present"}
    adult = {"reference": f"Patient/{IDS[0]}", "birthDate": "2000-01-01"}
    assert fields(form(student=adult, signer=own)) == []
    assert fields(form(signer=own)) == ["signer"]


@pytest.mark.skipif(not FORMS.is_dir(), reason="the shared data is not here")
@pytest.mark.parametrize("path", sorted(FORMS.glob("*.fields.json")), ids=lambda p: p.stem)
def test_the_forms_come_to_what_they_say(path: Path) -> None:
    """Apart from references, which a form does not have."""
    stated = json.loads(path.read_text())
    gaps = [f for f in fields(stated) if f not in ("student", "signer", "discloser", "recipients[0]")]
    expected = {"complete": []}.get(stated["expect"])
    if expected is not None:
        assert gaps == expected
    else:
        assert len(gaps) == 1
        assert gaps[0].partition("[")[0] in stated["expect"]


def test_the_command_prints_the_consent_and_explains_each_gap(tmp_path: Path) -> None:
    file = tmp_path / "form.yaml"
    file.write_text(json.dumps(form()))
    ran = CliRunner().invoke(app, ["release", "draft", str(file)])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["status"] == "active"
    file.write_text(json.dumps(form(purpose="")))
    ran = CliRunner().invoke(app, ["release", "draft", str(file)])
    assert ran.exit_code == 1
    assert "purpose: The purpose is missing" in ran.output
    file.write_text("- a list")
    assert CliRunner().invoke(app, ["release", "draft", str(file)]).exit_code == 2
