"""A declaration that consent could not be judged by fails at import."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.resources.encounter import ENCOUNTER
from app.resources.task import TASK


def test_a_compartment_type_without_a_path_to_its_student_is_refused() -> None:
    with pytest.raises(TypeError, match="path to its student"):
        replace(ENCOUNTER, student=None)


@pytest.mark.parametrize("path", ["executionPeriod", "note.time"])
def test_an_element_that_a_party_writes_is_none_that_consent_judges_by(path: str) -> None:
    """Else the owner of a Task could move it into the dates that a release covers."""
    with pytest.raises(TypeError, match="not a party's to write"):
        replace(TASK, clinical_date=(path,))
