"""The codes of AuditEvents have the words that HL7 has for them. https://hl7.org/fhir/R4/datatypes.html#Coding"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.ledger.entries import Entry
from app.ledger.events import EVENTS, LIFECYCLE, audit_event, security_event
from app.ledger.names import Names
from app.ledger.security_log import Event

FILE = Path(__file__).parent / "definitions" / "displays.json"
HL7: dict[str, dict[str, str]] = {line["url"]: line["displays"] for line in json.loads(FILE.read_text())}
ONE, AT = UUID(int=1), datetime(2026, 11, 28, tzinfo=UTC)
READ = Entry(
    at=AT,
    request=ONE,
    interaction="read",
    type="Goal",
    id=ONE,
    version=1,
    student=ONE,
    custodian=ONE,
    recipient=ONE,
    client="clinic",
    purposes=("TREAT",),
    basis="consent",
    consent=ONE,
    consent_version=1,
    reason=None,
    agent={"subject_name": "A nurse"},
)
QUERY = replace(READ, parameters=("name",), students=3, consent=None, agent=None)
SECURITY = [security_event(Event(ONE, kind, ONE, "clinic", "0", "x", AT, AT, 2), Names()) for kind in EVENTS]
TOLD = [audit_event(READ, Names()), audit_event(QUERY, Names()), *SECURITY]


def codings(node: Any) -> Iterator[dict[str, str]]:
    """Every Coding with words in a resource."""
    if isinstance(node, dict) and {"system", "code", "display"} <= node.keys():
        yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from codings(value)


WORDS = sorted({(c["system"], c["code"], c["display"]) for c in codings(TOLD) if c["system"] in HL7})


@pytest.mark.parametrize(("system", "code", "display"), WORDS, ids=lambda word: word.rpartition("/")[2])
def test_a_code_has_hl7s_words(system: str, code: str, display: str) -> None:
    assert display == HL7[system][code]


def test_every_system_of_hl7s_with_words_is_among_them() -> None:
    assert {system for system, _, _ in WORDS} == HL7.keys()
    ours = {c["system"] for c in codings(TOLD)}
    assert {s for s in ours if s.startswith("http://terminology.hl7.org/")} == HL7.keys()


def test_a_disclosure_is_told_as_one_in_the_words_of_its_code_system() -> None:
    disclosed = {"system": LIFECYCLE, "code": "disclose", "display": "Disclose Record Lifecycle Event"}
    assert all(disclosed in audit_event(entry, Names())["subtype"] for entry in (READ, QUERY))
