"""The telling states facts, and ends at the first that does not hold."""

from __future__ import annotations

import io

import httpx
import pytest
from rich.console import Console

from app.demo.telling import Difference, Telling, alike, gist


def answer(status: int = 404, body: str = "{}", **headers: str) -> httpx.Response:
    """A response with these."""
    return httpx.Response(status, text=body, headers={"date": "Mon, 01 Jan 2026 00:00:00 GMT", **headers})


def test_a_fact_that_does_not_hold_ends_the_telling_with_what_was_found() -> None:
    with pytest.raises(Difference, match=r"Nothing is found\. -- but it is not so: 3"):
        Telling(Console(file=io.StringIO())).hold("Nothing is found.", False, 3)


def test_a_fact_that_holds_is_printed() -> None:
    words = io.StringIO()
    Telling(Console(file=words)).hold("Nothing is found.", True)
    assert words.getvalue() == "  + Nothing is found.\n"


def test_two_answers_that_differ_in_their_date_alone_are_alike() -> None:
    assert alike(answer(), answer(date="Tue, 02 Jan 2026 00:00:00 GMT"))


@pytest.mark.parametrize("other", [answer(410), answer(body="{} "), answer(etag='W/"1"')])
def test_answers_that_differ_in_status_body_or_a_header_are_not_alike(other: httpx.Response) -> None:
    assert not alike(answer(), other)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"resourceType": "Bundle", "total": 0}, "0 found"),
        ({"resourceType": "Bundle", "total": 7, "entry": [{"resource": {"resourceType": "Task"}}]}, "7 found: Task"),
        ({"resourceType": "OperationOutcome", "issue": [{"details": {"text": "No."}}]}, "No."),
        ({"resourceType": "Task", "meta": {"versionId": "3"}}, "Task version 3"),
    ],
)
def test_an_answer_is_told_in_a_few_words(body: dict[str, object], said: str) -> None:
    assert gist(httpx.Response(200, json=body, headers={"content-type": "application/fhir+json"})) == said
