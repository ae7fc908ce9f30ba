"""How a Consent that was active may change. docs/rule.md, 'Ended is ended'; https://hl7.org/fhir/R4/consent.html"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from app.consent import codes as c
from app.consent.ending import FINAL, same_evidence, widens
from app.consent.evaluate import Deny, Permit, decide
from app.consent.model import Place, PolicySet, Release, Requester, ResourceAttributes
from app.consent.parse import read
from app.consent.signing import ConsentContext
from app.fhir.dates import BEGINNING, END
from tests import build

ZONE = ZoneInfo("America/New_York")
DISTRICT, CLINIC, OTHER, STUDENT, MOTHER, VISIT, OWN = (UUID(int=n) for n in range(1, 8))
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
BORN = datetime(2014, 5, 2, tzinfo=UTC).date()
SITUATION = ConsentContext(
    DISTRICT, ZONE, STUDENT, NOW, None, (BORN, BORN), {MOTHER: (BEGINNING, END)}, frozenset({MOTHER}),
    frozenset({DISTRICT, CLINIC, OTHER}),
)  # fmt: skip
Body = dict[str, Any]


def resource(kind: str, own: UUID) -> Body:
    """What a Reference can be made to."""
    return {"resourceType": kind, "id": str(own)}


def organization(own: UUID) -> dict[str, str]:
    """A Reference to an organization."""
    return {"reference": f"Organization/{own}"}


def signed(**provision: Any) -> Body:
    """An active Consent, as stored."""
    student, mother = resource("Patient", STUDENT), resource("RelatedPerson", MOTHER)
    found = build.consent(student, mother, organization(DISTRICT), organization(CLINIC), provision=provision)
    meta = {"versionId": "1", "lastUpdated": "2026-09-16T12:00:00.000Z"}
    return {**found, "id": str(OWN), "meta": meta, "sourceAttachment": {"title": "Form"}}


def changed(before: Body, **elements: Any) -> Body:
    """Another version, with a provision merged into the one before."""
    provision = {**before["provision"], **elements.pop("provision", {})}
    return {**deepcopy(before), "provision": provision, **elements}


def where(before: Body, after: Body) -> list[str]:
    """The elements that may not change so."""
    return [str(issue.expression) for issue in widens(before, after, ZONE)]


PERIOD = "Consent.provision.period"
TO_OTHER = build.actor("IRCP", organization(OTHER))
NO_VISITS = {"type": "deny", "class": [build.type_class("Encounter")]}


@pytest.mark.parametrize(
    "after",
    [
        changed(signed()),
        changed(signed(), meta={"versionId": "7"}),
        changed(signed(), text={"status": "generated", "div": "<div>Ended</div>"}),
        *(changed(signed(), status=status) for status in sorted(FINAL)),
        changed(signed(), provision={"period": {"start": "2026-09-15", "end": "2026-12-31"}}),
        changed(signed(), provision={"period": {"start": "2026-09-15", "end": "2027-06"}}),
        changed(signed(), provision={"provision": [NO_VISITS]}),
        changed(signed(), status="inactive", provision={"period": {"start": "2026-09-15", "end": "2026-09-30"}}),
    ],
)
def test_an_active_consent_ends_ends_sooner_or_gains_an_exception_that_denies(after: Body) -> None:
    """The narrative and what the server sets say nothing that is judged."""
    assert where(signed(), after) == []


@pytest.mark.parametrize(
    ("after", "at"),
    [
        (changed(signed(), status="draft"), ["Consent.status"]),
        (changed(signed(), status="proposed"), ["Consent.status"]),
        (changed(signed(), dateTime="2026-09-20"), ["Consent.dateTime"]),
        (changed(signed(), performer=[organization(OTHER)]), ["Consent.performer"]),
        (changed(signed(), sourceAttachment={"title": "Another"}), ["Consent.sourceAttachment"]),
        (changed(signed(), policy=[]), ["Consent.policy"]),
        (changed(signed(), meta={"security": [{"code": "R"}]}), ["Consent.meta"]),
        (changed(signed(), extension=[{"url": "urn:x"}]), ["Consent.extension"]),
        (changed(signed(), provision={"period": {"start": "2026-09-15", "end": "2027-07-01"}}), [PERIOD]),
        (changed(signed(), provision={"period": {"start": "2026-09-14", "end": "2027-06-30"}}), [PERIOD]),
        (changed(signed(), provision={"period": {"start": "2026-09-15"}}), [PERIOD]),
        (changed(signed(), provision={"class": [build.type_class("Task")]}), ["Consent.provision.class"]),
        (changed(signed(), provision={"actor": [TO_OTHER]}), ["Consent.provision.actor"]),
        (changed(signed(), provision={"type": "deny"}), ["Consent.provision.type"]),
        (changed(signed(), provision={"provision": [{"type": "permit"}]}), ["Consent.provision.provision[0]"]),
        (
            changed(signed(), provision={"provision": [{**NO_VISITS, "provision": [{"type": "permit"}]}]}),
            ["Consent.provision.provision[0]"],
        ),
    ],
)  # fmt: skip
def test_whatever_else_changes_is_told_where_it_is(after: Body, at: list[str]) -> None:
    assert where(signed(), after) == at


def test_an_exception_is_neither_taken_away_nor_weakened() -> None:
    before = signed(provision=[NO_VISITS])
    assert where(before, changed(before, provision={"provision": []})) == ["Consent.provision.provision"]
    weaker = {**NO_VISITS, "period": {"end": "2026-10-01"}}
    assert where(before, changed(before, provision={"provision": [weaker]})) == ["Consent.provision.provision"]
    excepted = {**NO_VISITS, "provision": [{"type": "permit", "class": [build.type_class("Encounter")]}]}
    assert where(before, changed(before, provision={"provision": [excepted]})) == [
        "Consent.provision.provision[0]", "Consent.provision.provision"]  # fmt: skip
    assert where(before, changed(before, provision={"provision": [{"type": "deny"}, NO_VISITS]})) == []


def test_the_end_of_a_consent_that_denies_does_not_come_nearer() -> None:
    """It would open what it keeps closed; who wants that ends it by its status."""
    before = signed(type="deny")
    sooner = changed(before, provision={"period": {"start": "2026-09-15", "end": "2026-10-01"}})
    assert where(before, sooner) == ["Consent.provision.period"]
    assert where(before, changed(before, status="inactive")) == []


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("then", ["active", "draft", "inactive", "entered-in-error", "rejected"])
def test_what_has_ended_never_changes(status: str, then: str) -> None:
    ended = changed(signed(), status=status)
    assert where(ended, changed(ended, status=then, language="en")) == ["Consent.status"]


@pytest.mark.parametrize("status", ["draft", "proposed"])
def test_what_was_never_active_may_become_anything(status: str) -> None:
    before = changed(signed(), status=status)
    assert where(before, changed(before, status="active", dateTime="2026-09-20", provision={"class": []})) == []


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"provision": {"class": []}, "identifier": [{"value": "7"}], "status": "draft"}, True),
        ({"dateTime": "2026-09-15T10:00:00-04:00"}, True),
        ({"dateTime": "2026-09-16"}, False),
        ({"performer": [{"reference": f"RelatedPerson/{OTHER}"}]}, False),
        ({"performer": [{"reference": f"RelatedPerson/{MOTHER}/_history/1", "display": "Luz"}]}, True),
        ({"patient": {"reference": f"Patient/{OTHER}"}}, False),
        ({"sourceAttachment": {"title": "Another"}}, False),
    ],
)
def test_the_same_evidence_is_known_by_patient_source_signers_and_date(other: Body, same: bool) -> None:
    assert same_evidence(signed(), changed(signed(), **other), ZONE) == same


def test_a_document_is_known_by_its_bytes_whatever_it_is_called() -> None:
    one = changed(signed(), sourceAttachment={"title": "Form", "data": "c2lnbmVk"})
    again = changed(signed(), sourceAttachment={"title": "Form (2)", "data": "c2ln\nbmVk"})
    assert same_evidence(one, again, ZONE)


# No accepted change opens anything ------------------------------------------------------------------------------------

_CLASSES = st.lists(st.sampled_from(["Encounter", "ServiceRequest", "Patient"]), min_size=1, max_size=2, unique=True)
_ENDS = st.sampled_from(["2026-09-30", "2026-10-01", "2026-12-31", "2027-06-30", "2028"])


@st.composite
def exceptions(draw: st.DrawFn, depth: int = 2) -> Body:
    """A nested provision, at times with its own."""
    found: Body = {"class": [build.type_class(x) for x in draw(_CLASSES)]}
    if draw(st.booleans()):
        found["period"] = {"end": draw(_ENDS)}
    if draw(st.integers(0, 3)) == 0:
        found["actor"] = [build.actor("IRCP", organization(draw(st.sampled_from([CLINIC, OTHER]))))]
    if draw(st.integers(0, 3)) == 0:
        found["purpose"] = [{"system": c.ACT_REASON, "code": draw(st.sampled_from(["TREAT", "HPAYMT"]))}]
    if depth and draw(st.booleans()):
        found["provision"] = draw(st.lists(exceptions(depth - 1), min_size=1, max_size=2))
    return found


@st.composite
def consents(draw: st.DrawFn) -> Body:
    """An active Consent that compiles."""
    found = signed(type=draw(st.sampled_from(["permit", "permit", "deny"])))
    found["provision"]["period"] = {"start": "2026-09-15", "end": draw(_ENDS)}
    found["provision"]["class"] = [build.type_class(x) for x in draw(_CLASSES)]
    if nested := draw(st.lists(exceptions(), max_size=2)):
        found["provision"]["provision"] = nested
    return found


def _nodes(node: Body) -> list[Body]:
    return [node, *(n for child in node.get("provision", []) for n in _nodes(child))]


@st.composite
def edits(draw: st.DrawFn, before: Body) -> Body:
    """The Consent after a change or two, such as an editor could make; the harmless ones are the more frequent."""
    after = deepcopy(before)
    for _ in range(draw(st.integers(1, 2))):
        root = after["provision"]
        node = draw(st.sampled_from(_nodes(root)))
        kind = draw(st.sampled_from(["end", "end", "add", "add", "add", "drop", "class", "type", "status", "purpose"]))
        if kind == "end":
            root["period"] = {**root["period"], "end": draw(_ENDS)}
        elif kind == "add":
            children = node.setdefault("provision", [])
            children.insert(draw(st.integers(0, len(children))), draw(exceptions(draw(st.integers(0, 1)))))
        elif kind == "drop" and node.get("provision"):
            node["provision"].pop()
        elif kind == "class":
            node["class"] = [build.type_class(x) for x in draw(_CLASSES)]
        elif kind == "type":
            root["type"] = draw(st.sampled_from(["permit", "deny"]))
        elif kind == "status":
            after["status"] = draw(st.sampled_from(["active", "draft", *sorted(FINAL)]))
        elif kind == "purpose":
            node["purpose"] = [{"system": c.ACT_REASON, "code": draw(st.sampled_from(["TREAT", "HPAYMT"]))}]
    return after


def release(consent: Body) -> Release | None:
    """What a Consent comes to; None where it is not active, or could not be stored as such."""
    return read(consent, OWN, 1, SITUATION).release if consent["status"] == "active" else None


def policies(found: Release | None, *others: Release) -> PolicySet:
    """The network with this release."""
    releases = (*others, *([found] if found else []))
    places = {DISTRICT: Place((DISTRICT,), "America/New_York")}
    return PolicySet(releases, (BORN, BORN), {MOTHER: (BEGINNING, END)}, (), places, {}, agreement_required=False)


@given(st.data())
def test_no_accepted_change_opens_a_record_that_the_version_before_did_not(data: st.DataObject) -> None:
    before = data.draw(consents())
    after = data.draw(edits(before))
    if widens(before, after, ZONE):
        event("refused")
        return
    event("accepted")
    told = [x.expression for x in read(after, OWN, 2, SITUATION).missing] if after["status"] == "active" else []
    old, new = release(before), release(after)
    if old is None or told:
        return
    for purpose in ("TREAT", "HPAYMT"):
        for who in (CLINIC, OTHER):
            for kind in ("Encounter", "ServiceRequest", "Patient"):
                for at in (NOW, replace_year(2027), replace_year(2028)):
                    requester = Requester(who, frozenset({who}), frozenset({who}), frozenset({purpose}), at)
                    attributes = ResourceAttributes(VISIT, kind, DISTRICT, STUDENT, False, timeless=True)
                    if isinstance(decide(policies(old), requester, attributes), Deny):
                        assert isinstance(decide(policies(new), requester, attributes), Deny)


def replace_year(year: int) -> datetime:
    """Now, in another year."""
    return NOW.replace(year=year, month=5)


@given(st.data())
def test_an_added_exception_closes_also_what_another_release_would_open(data: st.DataObject) -> None:
    before = data.draw(consents())
    after = changed(before, provision={"provision": [*before["provision"].get("provision", []), {"type": "deny"}]})
    old, new = release(before), release(after)
    if before["provision"]["type"] != "permit" or old is None or new is None:
        return
    assert widens(before, after, ZONE) == ()
    other = read(signed(**{"class": [build.type_class("Encounter")]}), VISIT, 1, SITUATION).release
    assert other is not None
    requester = Requester(CLINIC, frozenset({CLINIC}), frozenset({CLINIC}), frozenset({"TREAT"}), NOW)
    attributes = ResourceAttributes(VISIT, "Encounter", DISTRICT, STUDENT, False, timeless=True)
    if isinstance(decide(policies(new, replace(other, consent=VISIT)), requester, attributes), Permit):
        assert isinstance(decide(policies(old, replace(other, consent=VISIT)), requester, attributes), Permit)
