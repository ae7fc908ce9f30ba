"""Comparing releases by a solver: no is a proof, yes comes with an example, and both agree with decide()."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.consent.comparison import Example, Undecided, opens_more, permits
from app.consent.model import Provision, Release
from tests.consent.drawing import narrower, provisions, questions
from tests.consent.drawing import release as releases
from tests.consent.worlds import ALWAYS, CONSENTS, EDGES, HOLDERS, RECIPIENTS, STUDENTS, Question

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def plain(*nodes: Provision, **more: object) -> Release:
    """A release of one holder and one student, always in its period."""
    found = Release(
        consent=CONSENTS[0],
        version=1,
        student=STUDENTS[0],
        custodian=HOLDERS[0],
        signed=EDGES[1],
        signer=None,
        age=18,
        part2=False,
        opens=ALWAYS[0],
        closes=ALWAYS[1],
        provisions=nodes,
    )
    return replace(found, **more)  # type: ignore[arg-type]


def permit(**more: object) -> Provision:
    """A root that permits encounters to one recipient."""
    root = Provision(0, -1, True, ALWAYS, frozenset(RECIPIENTS[:1]), frozenset({"TREAT"}), frozenset({"Encounter"}))
    return replace(root, **more)  # type: ignore[arg-type]


def test_a_release_opens_nothing_more_than_itself() -> None:
    assert opens_more(plain(permit()), plain(permit())) is None


def test_another_class_opens_more_and_the_example_is_of_it() -> None:
    wider = plain(permit(classes=frozenset({"Encounter", "ServiceRequest"})))
    found = opens_more(wider, plain(permit()))
    assert found is not None
    assert found.attributes.type == "ServiceRequest"
    assert opens_more(plain(permit()), wider) is None


def test_a_kind_of_purpose_is_within_the_purpose() -> None:
    emergency = plain(permit(purposes=frozenset({"ETREAT"})))
    assert opens_more(emergency, plain(permit())) is None
    found = opens_more(plain(permit()), emergency)
    assert found is not None
    assert found.requester.purposes == {"TREAT"}


def test_an_exception_of_a_code_that_no_record_can_lack_closes_nothing_else() -> None:
    keeps_out = Provision(1, 0, False, ALWAYS, codes=frozenset({"urn:a|1"}))
    found = opens_more(plain(permit()), plain(permit(), keeps_out))
    assert found is not None
    assert "urn:a|1" in found.attributes.codes
    assert opens_more(plain(permit(), keeps_out), plain(permit())) is None


def test_a_label_opens_more_only_under_the_law_that_it_needs() -> None:
    named = permit(labels=frozenset({"42CFRPart2", "SUD"}), confidentiality=4)
    assert opens_more(plain(named), plain(named, part2=True)) is None
    found = opens_more(plain(named, part2=True), plain(named))
    assert found is not None
    assert "42CFRPart2" in found.attributes.labels


def test_a_later_end_opens_more_until_then() -> None:
    found = opens_more(plain(permit()), plain(permit(), closes=EDGES[2]))
    assert found is not None
    assert found.requester.now >= EDGES[2]


@given(one=releases(CONSENTS[0]), other=releases(CONSENTS[1]), question=questions())
@few
def test_no_is_a_proof_and_yes_an_example_by_decide(one: Release, other: Release, question: Question) -> None:
    """An example is one by decide(); where there is none, no drawn record is one."""
    try:
        found = opens_more(one, other)
    except Undecided:
        return
    if found is not None:
        assert permits(one, found)
        assert not permits(other, found)
        return
    drawn = Example(question.attributes, question.requester, dict(question.policies.focal))
    if question.attributes.type not in ("Consent", "Task"):
        assert not (permits(one, drawn) and not permits(other, drawn))


@given(data=st.data(), nodes=provisions())
@few
def test_a_narrowed_root_never_opens_more(data: st.DataObject, nodes: tuple[Provision, ...]) -> None:
    """And an example for the other way round is one by decide()."""
    root = replace(nodes[0], permit=True)
    narrow = data.draw(narrower(root))
    assert opens_more(plain(narrow), plain(root)) is None
    found = opens_more(plain(root), plain(narrow))
    assert found is None or (permits(plain(root), found) and not permits(plain(narrow), found))


def test_an_example_that_decide_does_not_confirm_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.consent.comparison.permits", lambda _release, _example: False)
    with pytest.raises(Undecided):
        opens_more(plain(permit(classes=frozenset({"Patient"}))), plain(permit()))
