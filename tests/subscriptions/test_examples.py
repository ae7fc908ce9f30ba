"""The examples of the guide and of Inferno's test kit are taken or refused as docs/subscriptions.md says."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.errors import HallpassError
from app.subscriptions.definition import PREFIX, read
from app.subscriptions.topics import OURS

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "subscriptions"
ROW = re.compile(r"^\| `([\w./-]+\.json)` \| ([^|]+) \| ([^|]+) \|$", re.M)
REQUIREMENT = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.M)
PAGE = (ROOT / "docs" / "subscriptions.md").read_text()
TABLE = ROW.findall(PAGE)
REQUIREMENTS = REQUIREMENT.findall(PAGE)
CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a channel by `backport-channel-type`": lambda s: s["channel"].update(
        _type={"extension": [{"url": f"{PREFIX}backport-channel-type", "valueCoding": {"code": "zulip"}}]}
    ),
    "a filter that its topic does not have": lambda s: s.update(
        _criteria={"extension": [{"url": f"{PREFIX}backport-filter-criteria", "valueString": "shoe-size=43"}]}
    ),
    "a level of content that is not served": lambda s: s["channel"].update(
        _payload={"extension": [{"url": f"{PREFIX}backport-payload-content", "valueCode": "everything"}]}
    ),
    "a topic that is not served": lambda s: s.update(criteria="https://example.org/topics/weather"),
    "an endpoint that is not https": lambda s: s["channel"].update(endpoint="http://ehr.example.org/hook"),
    "notifications in another version of FHIR": lambda s: s["channel"].update(
        payload="application/fhir+json;fhirVersion=5.0"
    ),
}
"""What makes a Subscription that would be taken one that is refused."""


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


@pytest.mark.skipif(not DATA.exists(), reason="the examples are not here")
@pytest.mark.parametrize(("number", "asked", "element"), REQUIREMENTS)
def test_what_the_list_of_requirements_wants_refused_is_refused(number: str, asked: str, element: str) -> None:
    with (DATA / "inferno" / "subscriptions_test_kit_requirements.csv").open(encoding="utf-8-sig") as file:
        (row,) = [r for r in csv.DictReader(file) if r["ID"] == number]
    assert (row["Conformance"], row["Actors"]) == ("SHALL", "Server")
    content = ours(json.loads((DATA / "inferno" / "Subscription_id-only.json").read_text()))
    assert outcome(content) == "taken"
    CHANGES[asked](content)
    assert outcome(content) == f"refused: {element}"


def test_each_change_is_in_the_table_of_requirements() -> None:
    assert sorted(asked for _, asked, _ in REQUIREMENTS) == sorted(CHANGES)
