"""Scopes: reading, allowing, granting.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HallpassError, Kind
from app.scopes import EMERGENCY, LETTERS, Scope, allows, grant, parse_scope

TYPES = ("*", "Patient", "Encounter", "Task")
letters = st.sets(st.sampled_from(LETTERS), min_size=1).map(lambda s: "".join(x for x in LETTERS if x in s))
queries = st.sampled_from([(), (), (("category", "a|b"),)])
scopes = st.one_of(st.builds(Scope, st.sampled_from(TYPES), letters, queries), st.just(EMERGENCY))
holdings = st.frozensets(scopes, max_size=6)
spellings = st.one_of(
    scopes.map(lambda s: s.text),
    st.builds("system/{}.{}".format, st.sampled_from(TYPES), st.sampled_from(["read", "write", "*"])),
    st.sampled_from(["openid", "user/Patient.rs", "patient/*.read", "system/Patient.sr", ""]),
)
requests = st.lists(spellings, max_size=6).map(" ".join)
asked_types = st.sampled_from([*TYPES[1:], "Group"])


def held(*texts: str) -> frozenset[Scope]:
    return frozenset(parse_scope(t) for t in texts)


def understood(request: str) -> list[Scope]:
    found = []
    for text in request.split(" "):
        try:
            found.append(parse_scope(text))
        except HallpassError:
            continue
    return found


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("system/Patient.read", Scope("Patient", "rs")),
        ("system/Patient.write", Scope("Patient", "cud")),
        ("system/Patient.*", Scope("Patient", "cruds")),
        ("system/*.read", Scope("*", "rs")),
        ("system/Task.u", Scope("Task", "u")),
        ("system/Task.cruds", Scope("Task", "cruds")),
        ("system/Task.rs?status=accepted&code=a%7Cb", Scope("Task", "rs", (("status", "accepted"), ("code", "a|b")))),
        ("hallpass/emergency", EMERGENCY),
    ],
)
def test_a_scope_is_read_in_v1_and_v2(text: str, scope: Scope) -> None:
    assert parse_scope(text) == scope


@pytest.mark.parametrize(
    "text",
    [
        "",
        "system/Patient",
        "system/Patient.",
        "system/Patient.sr",
        "system/Patient.rr",
        "system/Patient.readwrite",
        "system/patient.rs",
        "system/Patient.rs\n",
        "system/Patient.rs?",
        "system/Patient.rs?status",
        "system/Patient.read?status=a",
        "user/Patient.rs",
        "patient/Patient.read",
        "openid",
        "launch",
        "hallpass/emergency.rs",
        "SYSTEM/Patient.rs",
    ],
)
def test_what_is_no_scope_of_a_backend_service_is_refused(text: str) -> None:
    with pytest.raises(HallpassError) as caught:
        parse_scope(text)
    assert caught.value.kind is Kind.INVALID


@given(scopes)
def test_a_scope_is_read_back_from_its_text(scope: Scope) -> None:
    assert parse_scope(scope.text) == scope


def test_a_wildcard_allows_each_type_and_only_its_letters() -> None:
    assert allows(held("system/*.rs"), "Task", "r")
    assert not allows(held("system/*.rs"), "Task", "u")
    assert not allows(held("system/Patient.rs"), "Task", "r")


def test_a_scope_with_a_query_allows_nothing() -> None:
    assert not allows(held("system/Task.rs?status=accepted"), "Task", "r")


@pytest.mark.parametrize("letter", ["", "rs", "x"])
def test_only_one_letter_of_cruds_can_be_allowed(letter: str) -> None:
    assert not allows(held("system/*.cruds", "hallpass/emergency"), "Task", letter)
    assert not allows(held("hallpass/emergency"), "emergency", letter)


@pytest.mark.parametrize(
    ("asked", "has", "answer"),
    [
        ("system/Patient.read", ["system/Patient.rs"], "system/Patient.read"),
        ("system/Patient.rs", ["system/Patient.cruds"], "system/Patient.rs"),
        ("system/*.read", ["system/*.cruds"], "system/*.read"),
        ("system/*.read", ["system/Patient.rs"], "system/Patient.read"),
        ("system/*.rs", ["system/Patient.rs", "system/Task.cruds"], "system/Patient.rs system/Task.rs"),
        ("system/*.rs", ["system/*.s", "system/Patient.r"], "system/*.s system/Patient.rs"),
        ("system/Patient.write", ["system/*.cu"], "system/Patient.cu"),
        ("system/Patient.*", ["system/Patient.cruds"], "system/Patient.*"),
        ("system/Patient.*", ["system/Patient.rs"], "system/Patient.rs"),
        ("system/Task.cruds", ["system/Task.r", "system/*.u"], "system/Task.ru"),
        ("system/Task.r system/Patient.r", ["system/*.r"], "system/Task.r system/Patient.r"),
        ("system/Task.r system/Task.r", ["system/*.r"], "system/Task.r"),
        ("openid user/Task.rs system/Task.r", ["system/*.r"], "system/Task.r"),
        ("system/Task.rs?status=accepted", ["system/*.cruds"], ""),
        ("system/Task.rs", ["system/Task.rs?status=accepted"], ""),
        ("hallpass/emergency", ["system/*.cruds"], ""),
        ("system/*.cruds", ["hallpass/emergency"], ""),
        ("hallpass/emergency", ["hallpass/emergency"], "hallpass/emergency"),
        ("", ["system/*.cruds"], ""),
    ],
)
def test_what_is_granted_is_what_is_both_asked_and_held(asked: str, has: list[str], answer: str) -> None:
    granted = grant(asked, held(*has))
    assert granted.text == answer
    assert granted.scopes == frozenset(understood(answer))


@given(requests, holdings, asked_types, st.sampled_from(LETTERS))
def test_an_interaction_is_granted_just_if_it_was_asked_for_and_is_held(
    request: str, holding: frozenset[Scope], type_name: str, letter: str
) -> None:
    granted = grant(request, holding).scopes
    both = allows(holding, type_name, letter) and allows(understood(request), type_name, letter)
    assert allows(granted, type_name, letter) == both


@given(requests, holdings)
def test_an_emergency_is_granted_just_if_it_was_asked_for_by_name_and_is_held(
    request: str, holding: frozenset[Scope]
) -> None:
    expected = EMERGENCY in holding and "hallpass/emergency" in request.split(" ")
    assert (EMERGENCY in grant(request, holding).scopes) == expected


@given(requests, holdings)
def test_the_answer_spells_what_was_granted_and_can_be_asked_again(request: str, holding: frozenset[Scope]) -> None:
    granted = grant(request, holding)
    assert frozenset(understood(granted.text)) == granted.scopes
    assert grant(granted.text, holding).scopes == granted.scopes
    assert not any(s.query for s in granted.scopes)
