"""A report as a table and a picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from app.commands.report import show
from app.errors import HallpassError
from app.report.measure_report import measure_report
from app.report.referral import Referral
from app.report.table import draw, rows

MADE = datetime(2026, 9, 1, tzinfo=UTC)
PLACE = {"school": "Organization/s", "provider": "Organization/p", "month": "2026-09", "tier": "2"}
FOOD = Referral(made=MADE, served=MADE + timedelta(days=4), dimensions={"category": "food", **PLACE})
DENTAL = Referral(made=MADE, declined="no-capacity", dimensions={"category": "dental", **PLACE})
REPORT = measure_report([FOOD, DENTAL], "Organization/s", ("2026-09-01", "2026-09-30"), MADE + timedelta(days=90))
NAMES = {"Organization/s": "Cedar School", "Organization/p": "Elm Street"}


def test_the_table_says_each_figure_with_its_share() -> None:
    found = {name: cells for name, *cells in rows(REPORT)}
    assert found["Reached a service"] == ["1", "50%"]
    assert found["Days from referral to first service: Median of those served"] == ["4.0 days", ""]
    assert found["Days from need to first service: Median of those served"] == ["not reached", ""]


def test_it_is_printed_with_the_names_of_organizations() -> None:
    console = Console(record=True, width=120)
    show(console, REPORT, NAMES, "provider")
    text = console.export_text()
    assert "Cedar School, 2026-09-01 to 2026-09-30" in text
    assert "Elm Street" in text


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_it_is_drawn(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"referrals.{kind}"
    draw(REPORT, NAMES, path)
    assert path.read_bytes().startswith((b"<?xml", b"\x89PNG"))


def test_a_picture_has_a_format(tmp_path: Path) -> None:
    with pytest.raises(HallpassError):
        draw(REPORT, NAMES, tmp_path / "referrals.gif")
