"""What a reference points at. https://hl7.org/fhir/R4/references.html#literal"""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.references import Target, target, uuid_of
from tests.search.support import BASE, ID


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Patient/{ID}", Target("Patient", UUID(ID), "")),
        (f"Patient/{ID}/_history/3", Target("Patient", UUID(ID), "")),
        (f"{BASE}/Patient/{ID}", Target("Patient", UUID(ID), "")),
        ("Patient/1", Target("Patient", None, "Patient/1")),
        (f"https://elsewhere.test/Patient/{ID}", Target("Patient", None, f"https://elsewhere.test/Patient/{ID}")),
        (f"{BASE}/more/Patient/{ID}", Target("Patient", None, f"{BASE}/more/Patient/{ID}")),
        (f"/Patient/{ID}", Target("Patient", None, f"/Patient/{ID}")),
        ("urn:uuid:" + ID, Target("", None, "urn:uuid:" + ID)),
        ("#p", Target("", None, "")),
        ("", Target("", None, "")),
    ],
)
def test_a_reference_is_ours_or_a_url(text: str, expected: Target) -> None:
    """Relative references and absolute ones under our address have an id; all others are kept as they are."""
    assert target(text, BASE) == expected


def test_an_id_has_one_form() -> None:
    """Ids differ by case, so a UUID in another spelling is not the id."""
    assert uuid_of(ID) == UUID(ID)
    assert uuid_of(ID.upper()) is None
    assert uuid_of("{" + ID + "}") is None
    assert uuid_of("nothing") is None


@given(st.uuids())
def test_every_uuid_reads_as_it_is_written(found: UUID) -> None:
    """The form that ids are written in is the one that is read."""
    assert uuid_of(str(found)) == found
