"""The examples of the guide and of Inferno's test kit are taken or refused as docs/subscriptions.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.errors import HallpassError
from app.subscriptions.definition import read
from app.subscriptions.topics import OURS

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "subscriptions"
ROW = re.compile(r"^\| `([\w./-]+\.json)` \| ([^|]+) \| ([^|]+) \|$", re.M)
TABLE = ROW.findall((ROOT / "docs" / "subscriptions.md").read_text())


def outcome(content: dict[str, Any]) -> str:
    """Taken, or refused with the elements that are named."""
    try:
        read(content, ZoneInfo("America/Chicago"), "https://exchange.example.org/fhir", allow_http=False)
    except HallpassError as e:
        names = sorted({str(i.expression).removeprefix("Subscription.") for i in e.issues})
        return f"refused: {', '.join(names)}"
    return "taken"


def ours(content: dict[str, Any]) -> dict[str, Any]:
    """The same with a topic of ours of the type that it filters, and with an https endpoint."""
    channel = {**content["channel"], "endpoint": "https://ehr.example.org/hook"}
    return {**content, "criteria": f"{OURS}/service", "channel": channel}


def test_the_table_has_every_example() -> None:
    assert len(TABLE) == 6


@pytest.mark.skipif(not DATA.exists(), reason="the examples are not here")
@pytest.mark.parametrize(("name", "as_it_is", "with_ours"), TABLE)
def test_an_example_is_taken_or_refused_as_the_table_says(name: str, as_it_is: str, with_ours: str) -> None:
    content = json.loads((DATA / name).read_text())
    assert (outcome(content), outcome(ours(content))) == (as_it_is, with_ours)
