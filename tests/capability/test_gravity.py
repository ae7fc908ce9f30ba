"""What Gravity asks of a coordination platform is had."""

from __future__ import annotations

from pathlib import Path

from app.capability.gravity import gravity, rows
from app.capability.statement import capability_statement

PAGE = Path(__file__).parents[2] / "docs" / "gravity.md"


def test_every_demand_is_had() -> None:
    assert [asked for asked, had in rows(capability_statement("https://hallpass.example")) if not had] == []


def test_the_page_is_what_the_server_states() -> None:
    """Write it by `hallpass export-reference`."""
    assert PAGE.read_text() == gravity()
