"""Properties of decide(), the rule in plain Python. PROVE_EXAMPLES sets how many situations are tried."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.consent.evaluate import Basis, Deny, Effect, Permit, decide, unmet_condition
from app.consent.model import PolicySet, Provision, Release
from app.consent.moments import birthday
from tests.consent.drawing import narrower, questions, release
from tests.consent.worlds import HOLDERS, RECIPIENTS, STUDENTS, Question

settings.register_profile(
    "prove",
    max_examples=int(os.environ.get("PROVE_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
prove = settings.get_profile("prove")
added = release(UUID(int=0x700))


def permits(question: Question, **policies: Any) -> bool:
    """The decision under rules that are otherwise changed."""
    changed = replace(question.policies, **policies)
    return isinstance(decide(changed, question.requester, question.attributes), Permit)


def leaves(releases: tuple[Release, ...]) -> list[tuple[int, Provision]]:
    """Each provision without exceptions that permits, with the place of its release."""
    return [
        (n, p)
        for n, r in enumerate(releases)
        for p in r.provisions
        if p.permit and not any(q.parent == p.node for q in r.provisions)
    ]


def put(found: Release, changed: Provision) -> Release:
    """The release with one provision in the place of the one before."""
    return replace(found, provisions=tuple(changed if p.node == changed.node else p for p in found.provisions))


@given(question=questions(), more=added)
@prove
def test_a_denial_never_opens_anything(question: Question, more: Release) -> None:
    """Whatever it names, and whoever signed it: a Consent that only denies takes away."""
    root = replace(more.provisions[0], permit=False)
    denial = replace(more, provisions=(root,))
    if permits(question, releases=(*question.policies.releases, denial)):
        assert permits(question)


@given(question=questions(), more=added)
@prove
def test_a_permit_without_exceptions_never_closes_anything(question: Question, more: Release) -> None:
    """Only a denial, or an exception that denies, takes away."""
    root = replace(more.provisions[0], permit=True, recipients=frozenset(RECIPIENTS))
    if permits(question):
        assert permits(question, releases=(*question.policies.releases, replace(more, provisions=(root,))))


@given(question=questions(), data=st.data())
@prove
def test_to_name_another_recipient_changes_nothing_for_this_one(question: Question, data: st.DataObject) -> None:
    """In any provision of any release: who is added is not the caller, and not above it."""
    others = [r for r in RECIPIENTS if r not in question.requester.ancestors]
    named = [(n, p) for n, r in enumerate(question.policies.releases) for p in r.provisions if p.recipients is not None]
    assume(others and named)
    n, found = data.draw(st.sampled_from(named))
    wider = replace(found, recipients=(found.recipients or frozenset()) | {data.draw(st.sampled_from(others))})
    releases = list(question.policies.releases)
    releases[n] = put(releases[n], wider)
    assert permits(question, releases=tuple(releases)) == permits(question)


@given(question=questions(), data=st.data())
@prove
def test_to_narrow_a_permit_without_exceptions_never_opens_more(question: Question, data: st.DataObject) -> None:
    """Wherever it stands, and whatever the other releases say."""
    found = leaves(question.policies.releases)
    assume(found)
    n, wide = data.draw(st.sampled_from(found))
    releases = list(question.policies.releases)
    releases[n] = put(releases[n], data.draw(narrower(wide)))
    if permits(question, releases=tuple(releases)):
        assert permits(question)


@given(question=questions(), data=st.data())
@prove
def test_to_narrow_any_permit_or_the_root_of_the_only_release_never_opens_more(
    question: Question, data: st.DataObject
) -> None:
    """Its exceptions may not speak any more, but nothing else does."""
    only = question.policies.releases[0]
    wide = data.draw(st.sampled_from([p for p in only.provisions if p.permit or p.node == 0]))
    if permits(question, releases=(put(only, data.draw(narrower(wide))),)):
        assert permits(question, releases=(only,))


@given(question=questions(least=2), data=st.data())
@prove
def test_the_order_of_consents_does_not_matter(question: Question, data: st.DataObject) -> None:
    """Not to the decision, and not to the release that is cited."""
    shuffled = tuple(data.draw(st.permutations(question.policies.releases)))
    changed = decide(replace(question.policies, releases=shuffled), question.requester, question.attributes)
    assert changed == decide(question.policies, question.requester, question.attributes)


@given(question=questions(), more=added)
@prove
def test_what_another_wrote_or_another_student_signed_does_not_bear_on_it(question: Question, more: Release) -> None:
    """A Consent is one writer's about one student."""
    for elsewhere in (replace(more, custodian=HOLDERS[1]), replace(more, student=STUDENTS[1])):
        assert permits(question, releases=(*question.policies.releases, elsewhere)) == permits(question)


@given(question=questions())
@prove
def test_without_an_agreement_or_a_birth_no_release_opens_anything(question: Question) -> None:
    """What is not known is not there."""
    assert not permits(question, agreements=(), agreement_required=True)
    assert not permits(question, born=None)
    assert not permits(question, releases=())


@given(question=questions())
@prove
def test_nobody_sees_what_no_release_names_it_for(question: Question) -> None:
    """An organization that is in no release sees nothing, whatever its purposes."""
    own = UUID(int=0x999)
    stranger = replace(question.requester, organization=own, ancestors=frozenset({own}), descendants=frozenset({own}))
    decision = decide(question.policies, stranger, question.attributes)
    assert isinstance(decision, Deny)


@given(question=questions())
@prove
def test_a_permit_cites_a_release_that_says_so_and_none_denies(question: Question) -> None:
    """The earliest of them, in its version, of this holder and this student."""
    decision = decide(question.policies, question.requester, question.attributes)
    said = {w.consent: w.effect for w in decision.trace if w.node is None}
    assert said.keys() == {r.consent for r in question.policies.releases}
    if not isinstance(decision, Permit):
        assert Effect.DENY in said.values() or Effect.PERMIT not in said.values()
        return
    assert decision.basis is Basis.RELEASE
    assert Effect.DENY not in said.values()
    permitting = [r for r in question.policies.releases if said[r.consent] is Effect.PERMIT]
    cited = min(permitting, key=lambda r: (r.opens, r.consent))
    assert decision.consent == cited.consent
    assert (cited.version, cited.custodian, cited.student) == (
        decision.version,
        question.attributes.custodian,
        question.attributes.student,
    )


@given(question=questions())
@prove
def test_exceptions_turn_their_parents_round_as_a_recursion_would(question: Question) -> None:
    """A provision that covers speaks, unless one of its exceptions does: then the other way."""
    policies = replace(question.policies, agreement_required=False)
    for found in policies.releases:
        decision = decide(replace(policies, releases=(found,)), question.requester, question.attributes)
        silent = next(w for w in decision.trace if w.node is None).effect is Effect.SILENT
        if silent:
            assert isinstance(decision, Deny)
        else:
            assert isinstance(decision, Permit) == _says(found.provisions[0], found, policies, question)


def _says(p: Provision, found: Release, policies: PolicySet, question: Question) -> bool:
    """Permit or not, of a provision that covers."""
    descendants = [q for q in found.provisions if q.parent == p.node and _covers(q, found, policies, question)]
    return p.permit != any(_says(q, found, policies, question) == q.permit for q in descendants)


def _covers(p: Provision, found: Release, policies: PolicySet, question: Question) -> bool:
    return unmet_condition(p, found, policies, question.requester, question.attributes) is None


@given(question=questions())
@prove
def test_the_custodian_always_sees_its_own(question: Question) -> None:
    """No denial keeps a record from who holds it."""
    holder = HOLDERS[0]
    ancestors = replace(question.requester, descendants=frozenset({question.requester.organization, holder}))
    assert decide(question.policies, ancestors, question.attributes) == Permit(Basis.CUSTODY)


@given(question=questions())
@prove
def test_a_record_of_several_students_is_its_custodians_alone(question: Question) -> None:
    """No release, and no broken glass, opens a class list."""
    several = replace(question.attributes, student=None)
    assert isinstance(decide(question.policies, replace(question.requester, emergency=True), several), Deny)


BORN = st.dates(date(1900, 1, 1), date(9990, 12, 31)).filter(lambda d: (d.month, d.day) != (2, 29))


@given(born=BORN, age=st.integers(0, 18), zone=st.sampled_from(["America/New_York", "America/Havana", "Asia/Tokyo"]))
@prove
def test_a_birthday_is_the_first_moment_of_its_day(born: date, age: int, zone: str) -> None:
    """A microsecond before it is still the day before."""
    local = ZoneInfo(zone)
    reached = birthday(born, age, local)
    day = born.replace(year=min(born.year + age, 9999))
    assert reached.astimezone(local).date() == day
    assert (reached - datetime.resolution).astimezone(local).date() < day
