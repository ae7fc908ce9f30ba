"""Links between the entries of a transaction. https://hl7.org/fhir/R4/bundle.html#references"""

from __future__ import annotations

from typing import Any

import pytest

from app.fhir.links import Links, rewrite
from tests.fhir.samples import examples

BASE = "https://hallpass.example/fhir"
OTHER = "http://other.example/r4"
URN = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
LINKS = Links(BASE, {URN: "Patient/1", f"{OTHER}/Patient/p1": "Patient/2", f"{BASE}/Patient/p1": "Patient/3"})


@pytest.mark.parametrize(
    ("link", "full_url", "target"),
    [
        (URN, None, "Patient/1"),
        (URN, f"{OTHER}/Encounter/e1", "Patient/1"),
        (f"{OTHER}/Patient/p1", None, "Patient/2"),
        (f"{OTHER}/Patient/p1/_history/4", None, "Patient/2"),
        ("Patient/p1", f"{OTHER}/Encounter/e1", "Patient/2"),
        ("Patient/p1/_history/4", f"{OTHER}/Encounter/e1", "Patient/2"),
        ("Patient/p1", f"{BASE}/Encounter/e1", "Patient/3"),
        ("Patient/p1", URN, "Patient/3"),
        ("Patient/p1", None, "Patient/3"),
        ("Patient/p1", "http://third.example/r4/Encounter/e1", None),
        ("Patient/p2", f"{OTHER}/Encounter/e1", None),
        ("Group/p1", f"{OTHER}/Encounter/e1", None),
        ("#p1", f"{OTHER}/Encounter/e1", None),
        ("", None, None),
    ],
)
def test_a_link_leads_to_the_entry_that_the_server_of_its_own_entry_would_answer(
    link: str, full_url: str | None, target: str | None
) -> None:
    assert LINKS.find(link, full_url) == target


def test_references_uris_urls_and_links_of_narratives_are_rewritten_and_nothing_else() -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">{URN}</a> <img src=\'{URN}\' alt="{URN}"/></div>'
    before = {
        "resourceType": "Consent",
        "id": URN,
        "text": {"status": "generated", "div": div},
        "contained": [{"resourceType": "Provenance", "target": [{"reference": URN}], "policy": [URN, "urn:other"]}],
        "extension": [{"url": "urn:x", "valueUri": URN}, {"url": "urn:x", "valueString": URN}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": URN}],
        "sourceAttachment": {"contentType": "text/plain", "url": URN},
        "performer": [{"reference": URN, "display": URN}],
    }
    after = rewrite(before, lambda link: "Patient/1" if link == URN else link)
    assert f'<a href="Patient/1">{URN}</a> <img src="Patient/1" alt="{URN}"/>' in after["text"]["div"]
    assert after["contained"][0] == {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/1"}],
        "policy": ["Patient/1", "urn:other"],
    }
    assert after["extension"] == [{"url": "urn:x", "valueUri": "Patient/1"}, {"url": "urn:x", "valueString": URN}]
    assert after["identifier"] == before["identifier"]
    assert after["sourceAttachment"]["url"] == "Patient/1"
    assert after["performer"] == [{"reference": "Patient/1", "display": URN}]
    assert before["performer"] == [{"reference": URN, "display": URN}], "the resource itself is left as it was"


@pytest.mark.parametrize(
    "value", [{}, {"resourceType": 7}, {"resourceType": "Consent", "text": {"div": 7}, "performer": ["x", None, 7]}]
)
def test_what_does_not_have_the_shape_of_its_type_is_left_as_it_is(value: dict[str, Any]) -> None:
    assert rewrite(value, str.upper) == value


def test_without_a_replacement_nothing_changes() -> None:
    for _, example in examples("Patient", "Encounter", "Consent", "Task"):
        assert rewrite(example, lambda link: link) == example
