"""The table of what states say about minors who are treated on their own consent. docs/rule.md, 'Who may sign'."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from app.consent import jurisdictions
from app.consent.codes import PART2, PRIVACY_LAWS, SENSITIVITY
from app.consent.jurisdictions import ROWS, Row, minor_age, part2_age

ROW = Row("NY", frozenset({"MH"}), 12, date(2020, 1, 1), date(2026, 1, 1), "none")


def test_a_row_has_its_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first day, and no longer on the day it ends."""
    monkeypatch.setattr(jurisdictions, "ROWS", (ROW,))
    days = ("2019-12-31", "2020-01-01", "2025-12-31", "2026-01-01")
    assert [minor_age("NY", date.fromisoformat(d), ["MH"]) for d in days] == [None, 12, 12, None]
    monkeypatch.setattr(jurisdictions, "ROWS", (replace(ROW, until=None),))
    assert minor_age("NY", date(2026, 1, 1), ["MH"]) == 12
    assert minor_age("NJ", date(2026, 1, 1), ["MH"]) is None
    assert minor_age(None, date(2026, 1, 1), ["MH"]) is None


def test_of_several_kinds_of_service_the_highest_age_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a kind that the table does not know leaves the whole to a parent."""
    rows = (ROW, replace(ROW, labels=frozenset({"SUD", PART2}), age=16))
    monkeypatch.setattr(jurisdictions, "ROWS", rows)
    assert minor_age("NY", date(2025, 1, 1), ["MH", "SUD"]) == 16
    assert minor_age("NY", date(2025, 1, 1), ["MH", "HIV"]) is None
    assert minor_age("NY", date(2025, 1, 1), []) is None
    assert part2_age("NY", date(2025, 1, 1)) == 16


def test_every_row_is_about_labels_that_exist_and_says_where_it_comes_from() -> None:
    """And that it is not legal advice."""
    told = json.loads((Path(jurisdictions.__file__).parent / "jurisdictions.json").read_text())
    for row, read in zip(told, ROWS, strict=True):
        assert read.labels <= SENSITIVITY | PRIVACY_LAWS
        assert row["citation"]
        assert "Not legal advice; have it checked." in row["note"]
        assert row["signs"] == "minor"
        assert row["below"] == "both" if PART2 in read.labels else row["below"] in ("parent", "both")
