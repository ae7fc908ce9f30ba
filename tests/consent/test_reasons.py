"""Why a release opens a record or does not, in the words that a privacy officer is told. docs/rule.md, 'Explaining'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.consent.evaluate import AUTHORITY_LAPSED, Basis, Deny, Effect, Permit, TraceEntry, decide
from app.consent.model import AdultFrom, Agreement, Place, PolicySet, Provision, Release, Requester, ResourceAttributes
from app.consent.moments import birthday
from app.fhir.dates import BEGINNING, END

ALWAYS = (BEGINNING, END)
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SIGNED = datetime(2026, 9, 15, 4, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DISTRICT, CLINIC, OTHER, STUDENT, MOTHER, ROI, VISIT = (UUID(int=n) for n in range(1, 8))
ZONE = "America/New_York"

ROOT = Provision(0, -1, True, ALWAYS, frozenset({CLINIC}), frozenset({"TREAT"}), frozenset({"Encounter"}))
EXCEPTION = Provision(1, 0, False, ALWAYS, codes=frozenset({"urn:a|1"}))
RELEASE = Release(ROI, 3, STUDENT, DISTRICT, SIGNED, MOTHER, 0, False, SIGNED, END, (ROOT, EXCEPTION))
RULES = PolicySet(
    (RELEASE,),
    (date(2014, 5, 2), date(2014, 5, 2)),
    {MOTHER: ALWAYS},
    (Agreement(DISTRICT, DISTRICT, CLINIC, ALWAYS),),
    {o: Place((o,), ZONE) for o in (DISTRICT, CLINIC, OTHER)},
)
LAPSED = Agreement(DISTRICT, DISTRICT, CLINIC, (BEGINNING, SIGNED + MOMENT))
REQUESTER = Requester(CLINIC, frozenset({CLINIC}), frozenset({CLINIC}), frozenset({"TREAT"}), NOW)
FACTS = ResourceAttributes(VISIT, "Encounter", DISTRICT, STUDENT, False, clinical=(SIGNED, NOW))


def asked(
    policies: PolicySet = RULES, requester: Requester = REQUESTER, attributes: ResourceAttributes = FACTS
) -> Permit | Deny:
    """The decision."""
    return decide(policies, requester, attributes)


def releasing(**changed: Any) -> PolicySet:
    """The rules with the release changed."""
    return replace(RULES, releases=(replace(RELEASE, **changed),))


def confirmed(at: datetime) -> PolicySet:
    """The rules with the release confirmed, which opens then."""
    return releasing(confirmed=at, opens=at)


def rooted(**changed: Any) -> PolicySet:
    """The rules with the release's root changed."""
    return releasing(provisions=(replace(ROOT, **changed), EXCEPTION))


def adult_from(born: date) -> PolicySet:
    """The rules for a student born that day."""
    return replace(RULES, born=(born, born))


def test_a_permit_tells_of_each_consent_and_of_each_of_its_provisions() -> None:
    """From the Consent to its last provision, with the word and the reason of each."""
    assert asked() == Permit(
        Basis.RELEASE,
        ROI,
        3,
        (
            TraceEntry(ROI, None, Effect.PERMIT, "its root provision says so"),
            TraceEntry(ROI, 0, Effect.PERMIT, "every element covers it"),
            TraceEntry(ROI, 1, Effect.SILENT, "code: another one"),
        ),
    )


def test_a_denial_tells_of_the_exception_that_turned_the_permit_round() -> None:
    """What decided is among the reasons."""
    assert asked(attributes=replace(FACTS, codes=frozenset({"urn:a|1"}))) == Deny(
        "a release that applies denies it, and a deny beats any permit",
        (
            TraceEntry(ROI, None, Effect.DENY, "its root provision says so"),
            TraceEntry(ROI, 0, Effect.DENY, "an exception turns it round"),
            TraceEntry(ROI, 1, Effect.DENY, "every element covers it"),
        ),
    )


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        (releasing(student=OTHER), "it is about another student"),
        (releasing(custodian=OTHER), "it opens what its own writer holds, and another organization holds this"),
        (rooted(recipients=frozenset({OTHER})), "it names other recipients"),
        (replace(RULES, born=None), "the student's date of birth is not known, so nobody's right to sign is"),
        (releasing(closes=NOW), "it is not in its period"),
        (releasing(opens=NOW + MOMENT), "it is not in its period"),
        (replace(RULES, agreements=()), "no agreement between the organizations is in force"),
        (releasing(signer=None, age=18), "the student was too young to sign"),
        (replace(adult_from(date(2008, 9, 1))), "a parent signed after the student's 18th birthday"),
        (adult_from(date(2008, 9, 20)), "the student is 18, and a parent's signature has ended"),
        (
            replace(RULES, adult=AdultFrom(NOW)),
            "the student signs as an adult, and a parent's signature has ended",
        ),
        (replace(RULES, authorities={}), "its signer has no parental or guardian authority"),
        (
            replace(RULES, authorities={MOTHER: (SIGNED + MOMENT, END)}),
            "its signer's authority is of after the signature, or ended since: the custodian confirms it, or it is"
            " signed again",
        ),
        (
            replace(confirmed(SIGNED + MOMENT), authorities={MOTHER: (SIGNED + 2 * MOMENT, END)}),
            AUTHORITY_LAPSED,
        ),
        (replace(confirmed(NOW), authorities={MOTHER: (NOW + MOMENT, END)}), AUTHORITY_LAPSED),
        (
            replace(RULES, agreements=(LAPSED, replace(LAPSED, period=(SIGNED + 2 * MOMENT, END)))),
            "the agreement lapsed since it began: the custodian confirms it, or it is signed again",
        ),
    ],
)
def test_a_consent_out_of_force_is_silent_and_says_why(policies: PolicySet, why: str) -> None:
    """None of its provisions is weighed then."""
    silent = (TraceEntry(ROI, None, Effect.SILENT, why),)
    assert asked(policies) == Deny("no release in force permits it", silent)


def test_what_another_holder_recorded_of_an_emancipation_ends_no_release() -> None:
    """Where the custodian of the release does not hold the student's record itself."""
    elsewhere = replace(releasing(born=RULES.born, authority=ALWAYS), adult=AdultFrom(NOW))
    assert isinstance(asked(elsewhere), Permit)


@pytest.mark.parametrize(
    ("policies", "attributes", "why"),
    [
        (rooted(period=(BEGINNING, NOW)), FACTS, "period: not now"),
        (rooted(purposes=frozenset({"HPAYMT"})), FACTS, "purpose: another one"),
        (
            RULES,
            replace(FACTS, type="Consent"),
            "class: a Consent is for those whom it names, since it says who treats the student",
        ),
        (rooted(classes=frozenset({"Patient"})), FACTS, "class: another type"),
        (rooted(codes=frozenset({"urn:a|2"})), FACTS, "code: another one"),
        (RULES, replace(FACTS, labels=frozenset({"PSY"})), "securityLabel: not among those named"),
        (rooted(about=(SIGNED + MOMENT, END)), FACTS, "dataPeriod: about another time"),
        (rooted(instances=frozenset({OTHER})), FACTS, "data: another resource"),
    ],
)
def test_a_provision_that_does_not_cover_names_the_element(
    policies: PolicySet, attributes: ResourceAttributes, why: str
) -> None:
    """And the Consent stays silent with its root."""
    decision = asked(policies, attributes=attributes)
    assert isinstance(decision, Deny)
    assert decision.trace[:2] == (
        TraceEntry(ROI, None, Effect.SILENT, "its root provision says so"),
        TraceEntry(ROI, 0, Effect.SILENT, why),
    )


def test_an_exception_for_another_recipient_says_so() -> None:
    """Of the actor as of any element."""
    elsewhere = replace(EXCEPTION, recipients=frozenset({OTHER}))
    decision = asked(releasing(provisions=(ROOT, elsewhere)))
    assert decision.trace[2] == TraceEntry(ROI, 1, Effect.SILENT, "actor: another recipient")


def test_what_is_of_several_students_says_so() -> None:
    """No Consent is weighed for it."""
    assert asked(attributes=replace(FACTS, student=None)) == Deny("no release opens a resource of several students")


# What is seen by what refers to it -----------------------------------------------------------------------------------

SCAN = replace(FACTS, id=UUID(int=20), type="Binary")
PLANS = tuple(replace(FACTS, id=UUID(int=n), type="DocumentReference", refs=frozenset({SCAN.id})) for n in (21, 22))


def bytes_of(*plans: ResourceAttributes, **root: Any) -> PolicySet:
    """The rules with documents that refer to the scan, and a release of documents."""
    return replace(rooted(classes=frozenset({"DocumentReference"}), **root), referrers={SCAN.id: plans})


def test_a_document_of_another_holder_does_not_hide_the_one_behind_it() -> None:
    """Whatever their order."""
    foreign = replace(PLANS[0], custodian=OTHER)
    assert isinstance(asked(bytes_of(foreign, PLANS[1]), attributes=SCAN), Permit)
    assert asked(bytes_of(foreign), attributes=SCAN) == Deny("no record that refers to it is seen")


def test_bytes_that_stay_closed_tell_why_of_each_document_in_turn() -> None:
    """Of the document where it is not seen, and of the bytes where it is."""
    first, second = PLANS[0], replace(PLANS[1], labels=frozenset({"SUD"}))
    marked = replace(SCAN, labels=frozenset({"PSY"}))
    decision = asked(bytes_of(first, second, labels=frozenset({"SUD"}), confidentiality=3), attributes=marked)
    assert isinstance(decision, Deny)
    assert decision.why == "no record that refers to it is seen"
    assert [w.why for w in decision.trace if w.node == 0] == ["securityLabel: not among those named"] * 2
    by_type = asked(replace(rooted(classes=frozenset({"Binary"})), referrers={SCAN.id: PLANS}), attributes=SCAN)
    assert [w.why for w in by_type.trace if w.node == 0] == ["class: another type"] * 2


# To the moment ------------------------------------------------------------------------------------------------------

EIGHTEENTH = birthday(date(2008, 9, 20), 18, ZoneInfo(ZONE))


@pytest.mark.parametrize(
    ("signed", "now", "why"),
    [
        (EIGHTEENTH - MOMENT, EIGHTEENTH - MOMENT, None),
        (EIGHTEENTH - MOMENT, EIGHTEENTH, "the student is 18, and a parent's signature has ended"),
        (EIGHTEENTH, EIGHTEENTH, "a parent signed after the student's 18th birthday"),
    ],
)
def test_a_parents_signature_counts_until_the_first_moment_of_the_birthday(
    signed: datetime, now: datetime, why: str | None
) -> None:
    """In the holder's time zone."""
    born = date(2008, 9, 20)
    policies = replace(releasing(signed=signed, opens=BEGINNING), born=(born, born))
    assert [w.why for w in asked(policies, replace(REQUESTER, now=now)).trace if why] == ([why] if why else [])
    assert isinstance(asked(policies, replace(REQUESTER, now=now)), Deny if why else Permit)


@pytest.mark.parametrize("late", [timedelta(0), MOMENT])
def test_a_student_signs_from_the_first_moment_of_the_birthday_in_the_holders_zone(late: timedelta) -> None:
    """Not from midnight anywhere else."""
    born = date(2008, 9, 20)
    signed = EIGHTEENTH - late
    policies = replace(releasing(signer=None, age=18, signed=signed, opens=BEGINNING), born=(born, born))
    assert isinstance(asked(policies), Deny if late else Permit)


# Break the glass ----------------------------------------------------------------------------------------------------

BROKEN = replace(RULES, releases=(), emergencies=((CLINIC, (SIGNED, END)),))
IN_NEED = replace(REQUESTER, emergency=True)


def test_broken_glass_opens_and_still_tells_what_was_weighed() -> None:
    """Under the basis of an emergency."""
    policies = replace(releasing(closes=NOW), emergencies=BROKEN.emergencies)
    silent = (TraceEntry(ROI, None, Effect.SILENT, "it is not in its period"),)
    assert asked(policies, IN_NEED) == Permit(Basis.EMERGENCY, trace=silent)


@pytest.mark.parametrize(
    "otherwise",
    [
        lambda: asked(BROKEN, REQUESTER),
        lambda: asked(replace(BROKEN, emergencies=()), IN_NEED),
        lambda: asked(replace(BROKEN, emergencies=((OTHER, (SIGNED, END)),)), IN_NEED),
        lambda: asked(replace(BROKEN, emergencies=((CLINIC, (SIGNED, NOW)),)), IN_NEED),
        lambda: asked(BROKEN, IN_NEED, replace(FACTS, type="Consent")),
        lambda: asked(BROKEN, IN_NEED, replace(FACTS, type="Task")),
        lambda: asked(BROKEN, IN_NEED, replace(FACTS, type="Binary")),
        lambda: asked(BROKEN, IN_NEED, replace(FACTS, labels=frozenset({"PSYTHPN"}))),
        lambda: asked(BROKEN, IN_NEED, replace(FACTS, labels=frozenset({"42CFRPart2", "PSY"}))),
    ],
    ids=[
        *("no emergency", "nobody broke it", "another did", "no longer", "a Consent", "a Task", "a Binary"),
        *("a psychotherapy note", "Part 2"),
    ],
)
def test_broken_glass_opens_nothing_else(otherwise: Callable[[], Permit | Deny]) -> None:
    """Each alone keeps it shut."""
    assert isinstance(asked(BROKEN, IN_NEED, replace(FACTS, labels=frozenset({"PSY"}))), Permit)
    assert isinstance(otherwise(), Deny)


@pytest.mark.parametrize("authority", [(SIGNED + MOMENT, END), (NOW, END)])
def test_a_release_confirmed_after_its_signers_authority_came_back_has_effect(
    authority: tuple[datetime, datetime],
) -> None:
    """From the moment of the confirmation on, also where that is when authority came back."""
    assert isinstance(asked(replace(confirmed(NOW), authorities={MOTHER: authority})), Permit)


def test_a_release_confirmed_after_the_agreement_lapsed_has_effect() -> None:
    """It opened then, as a new signature would have."""
    agreements = (LAPSED, replace(LAPSED, period=(SIGNED + 2 * MOMENT, END)))
    assert isinstance(asked(replace(confirmed(SIGNED + MOMENT), agreements=agreements)), Permit)
    assert isinstance(asked(replace(confirmed(SIGNED), agreements=agreements)), Deny)
