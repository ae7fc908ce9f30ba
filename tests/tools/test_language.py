"""Code and documents use the glossary's words; one that is retired is found wherever it hides."""

from __future__ import annotations

import pytest

from tools import language
from tools.language import ROOT, findings


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("# The gate lets it out.", "gate"),
        ("class ReadGate: ...", "gate"),
        ("two_lanes = 2", "lanes"),
        ("SELECT shard FROM hallpass.resource", "shard"),
        ("Every Turnstile, in capitals", "turnstile"),
    ],
)
def test_a_retired_word_is_found_in_prose_and_as_a_part_of_a_name(text: str, word: str) -> None:
    assert [(f.line, f.word) for f in findings("app/any.py", text)] == [(1, word)]


@pytest.mark.parametrize("text", ["investigate", "planed", "A spreadsheet", "Invariant 1: One door", "gateway"])
def test_a_word_that_holds_a_retired_one_is_another_word(text: str) -> None:
    assert list(findings("docs/any.md", text)) == []


def test_a_phrase_is_allowed_where_the_list_says_and_nowhere_else() -> None:
    assert list(findings("docs/openapi.md", "the viewer of the document")) == []
    assert [f.word for f in findings("docs/ledger.md", "the viewer of the document")] == ["viewer"]


def test_a_finding_says_what_to_say_instead() -> None:
    (found,) = findings("app/any.py", "a gate")
    assert str(found) == "app/any.py:1: 'gate' is retired. Say 'access service'."


def test_the_repository_uses_no_retired_word() -> None:
    assert [str(f) for path in language.files() for f in findings(path, (ROOT / path).read_text())] == []


def test_each_retired_word_is_in_the_glossary() -> None:
    retired = (ROOT / "docs" / "glossary.md").read_text().partition("## Retired")[2]
    assert [word for word in language.RETIRED if word.replace("_", " ") not in retired] == []
