"""The life of a referral, as the pure core judges it. docs/referral.md"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.errors import Kind
from app.referral import codes as c
from app.referral import drawing
from app.referral.judge import judge, state
from app.referral.table import ASKED, BUSINESS, OPEN, REFERRAL, TASK, Need, Party, final, states

TASK_FINAL = {"rejected", "failed", "completed", "cancelled", "entered-in-error"}
R4_STATUSES = [
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold", "failed",
    "completed", "entered-in-error",
]  # fmt: skip
PARTIES = st.sampled_from(
    [
        frozenset({Party.REQUESTER}),
        frozenset({Party.OWNER}),
        frozenset({Party.CLAIMANT}),
        frozenset({Party.REQUESTER, Party.OWNER}),
        frozenset[Party](),
    ]
)
REASON = {"coding": [{"system": c.STATUS_REASON, "code": "no-capacity"}], "text": "No place before January"}


def task(status: str, **more: Any) -> dict[str, Any]:
    """A referral's Task."""
    return {"resourceType": "Task", "status": status, "focus": {"reference": "ServiceRequest/x"}, **more}


def business(code: str) -> dict[str, Any]:
    """A business status of BSeR's."""
    return {"coding": [{"system": c.BUSINESS_STATUS, "code": code}]}


def test_what_is_final_is_what_nothing_leaves() -> None:
    assert final(TASK) == TASK_FINAL
    assert final(REFERRAL) == {"completed", "revoked", "entered-in-error"}
    assert not {"ready", "received"} & states(TASK)


def test_every_state_is_reached_from_a_new_one() -> None:
    for table in drawing.DRAWN.values():
        reached: set[str | None] = {None}
        for _ in table:
            reached |= {t.after for t in table if t.before in reached}
        assert reached - {None} == states(table)


def test_nobody_but_its_owner_says_what_came_of_a_referral() -> None:
    for t in TASK:
        if t.after in {"accepted", "rejected", "in-progress", "on-hold", "failed", "completed"} and t.before != ASKED:
            assert Party.REQUESTER not in t.by


def test_the_drawing_is_the_table() -> None:
    text = Path("docs/referral.md").read_text()
    for name in drawing.DRAWN:
        assert f"```mermaid\n{drawing.diagram(name)}\n```" in text
        assert drawing.transitions(name) in text
    assert drawing.reasons() in text
    assert drawing.reasons_of_returns() in text


@pytest.mark.parametrize("status", ["rejected", "failed"])
def test_to_decline_or_fail_takes_a_reason_in_words_and_by_a_code(status: str) -> None:
    before = task("requested" if status == "rejected" else "accepted")
    for reason in (None, {"text": "full"}, {"coding": REASON["coding"]}, {**REASON, "coding": [{"code": "full"}]}):
        after = task(status, **({"statusReason": reason} if reason else {}))
        verdict = judge("Task", before, after, frozenset({Party.OWNER}))
        assert verdict.kind is Kind.UNPROCESSABLE
        assert verdict.issues[0].expression in ("Task.statusReason", "Task.statusReason.text")
    assert judge("Task", before, task(status, statusReason=REASON), frozenset({Party.OWNER})).kind is None


def test_a_completed_referral_has_an_output_or_a_coded_reason() -> None:
    before, by = task("in-progress"), frozenset({Party.OWNER})
    assert judge("Task", before, task("completed"), by).issues[0].expression == "Task.output"
    assert judge("Task", before, task("completed", statusReason=REASON), by).kind is None
    assert judge("Task", before, task("completed", output=[{"valueString": "tutored"}]), by).kind is None


def test_an_unknown_reason_and_an_unknown_business_status_are_refused() -> None:
    by = frozenset({Party.OWNER})
    unknown = {"coding": [{"system": c.STATUS_REASON, "code": "full"}], "text": "full"}
    assert judge("Task", task("accepted"), task("on-hold", statusReason=unknown), by).issues[0].code == "code-invalid"
    after = task("accepted", businessStatus=business("9.9"))
    assert judge("Task", task("accepted"), after, by).issues[0].code == "code-invalid"


@pytest.mark.parametrize("code", BUSINESS)
def test_a_business_status_is_set_by_its_party_in_its_states_alone(code: str) -> None:
    stands, by = BUSINESS[code]
    period = {"start": "2026-10-01T09:00:00-05:00"}
    for status in sorted(states(TASK) - {ASKED}):
        for party in (Party.REQUESTER, Party.OWNER):
            before = task(status, executionPeriod=period)
            after = before | {"businessStatus": business(code)} | {"statusReason": REASON}
            where = state("Task", after)
            fits = where in stands and party in by and status not in TASK_FINAL
            assert (judge("Task", before, after, frozenset({party})).kind is None) == fits, (status, party)


def test_an_appointment_says_when_it_is() -> None:
    by = frozenset({Party.OWNER})
    after = task("accepted", businessStatus=business(c.SCHEDULED))
    assert judge("Task", task("accepted"), after, by).issues[0].expression == "Task.executionPeriod.start"


def test_after_a_no_show_there_may_be_another_appointment_or_an_end() -> None:
    by, period = frozenset({Party.OWNER}), {"start": "2026-10-01T09:00:00-05:00"}
    missed = task("accepted", businessStatus=business(c.UNATTENDED), executionPeriod=period)
    again = {**missed, "businessStatus": business(c.SCHEDULED)}
    assert judge("Task", missed, again, by).kind is None
    reason = {"coding": [{"system": c.STATUS_REASON, "code": "no-show"}], "text": "did not come twice"}
    assert judge("Task", missed, {**missed, "status": "failed", "statusReason": reason}, by).kind is None


def test_a_question_to_cancel_leaves_the_status_as_it_is() -> None:
    by = frozenset({Party.REQUESTER})
    asked = {"businessStatus": business(c.CANCELLATION_REQUESTED), "statusReason": REASON}
    assert judge("Task", task("accepted"), task("accepted", **asked), by).kind is None
    assert judge("Task", task("accepted"), task("in-progress", **asked), by).kind is Kind.CONFLICT
    assert judge("Task", task("accepted", **asked), task("in-progress", **asked), by).kind is Kind.CONFLICT
    assert judge("Task", task("accepted", **asked), task("on-hold"), by).kind is Kind.CONFLICT
    assert judge("Task", task("accepted", **asked), task("accepted"), by).kind is None


def test_the_requester_cancels_by_itself_what_nobody_has_taken_up_and_else_once_the_release_ended() -> None:
    by = frozenset({Party.REQUESTER})
    alone = judge("Task", task("requested"), task("cancelled", statusReason=REASON), by)
    assert (alone.kind, alone.remaining) == (None, (frozenset(),))
    taken = judge("Task", task("accepted"), task("cancelled", statusReason=REASON), by)
    assert (taken.kind, taken.remaining) == (None, (frozenset({Need.RELEASE_ENDED}),))


def test_what_was_sent_stands() -> None:
    by = frozenset({Party.REQUESTER, Party.OWNER})
    for element in ("focus", "for", "code", "intent", "requester", "partOf"):
        verdict = judge("Task", task("requested"), task("requested") | {element: {"reference": "ServiceRequest/y"}}, by)
        assert (verdict.kind, verdict.issues[0].expression) == (Kind.CONFLICT, f"Task.{element}")
    other = task("accepted", owner={"reference": "Organization/other"})
    assert judge("Task", task("accepted"), other, by).issues[0].expression == "Task.owner"
    assert judge("Task", task("requested"), task("requested", owner=other["owner"]), by).kind is None


def test_the_requester_does_not_write_what_came_of_it() -> None:
    after = task("accepted", output=[{"valueString": "done"}])
    assert judge("Task", task("accepted"), after, frozenset({Party.REQUESTER})).issues[0].expression == "Task.output"


def test_a_refusal_says_what_is_allowed() -> None:
    text = judge("Task", task("requested"), task("completed"), frozenset({Party.OWNER})).issues[0].text
    assert text == ("It is requested and cannot become completed. As its owner you may set: accepted, rejected.")


def test_a_task_of_no_referral_ends_once_and_its_owner_sets_what_is_its_own() -> None:
    def plain(status: str) -> dict[str, Any]:
        return {"resourceType": "Task", "status": status}

    owner, both = frozenset({Party.OWNER}), frozenset({Party.REQUESTER})
    assert judge("Task", plain("ready"), plain("completed"), owner).kind is None
    assert judge("Task", plain("ready"), plain("draft"), owner).kind is Kind.CONFLICT
    assert judge("Task", plain("completed"), plain("ready"), both).kind is Kind.CONFLICT


class Life(RuleBasedStateMachine):
    """Whoever writes whatever: a referral goes along the table, and stays where it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, Any] = {}
        self.ended: str | None = None

    @rule(
        status=st.sampled_from(R4_STATUSES),
        reason=st.sampled_from([None, REASON, {"text": "later"}]),
        code=st.sampled_from([None, *BUSINESS]),
        output=st.sampled_from([None, [{"valueString": "done"}]]),
        by=PARTIES,
    )
    def write(self, status: str, reason: Any, code: str | None, output: Any, by: frozenset[Party]) -> None:
        """Anybody sends any Task."""
        sent = task(status, executionPeriod={"start": "2026-10-01"})
        sent |= {"statusReason": reason} if reason else {}
        sent |= {"businessStatus": business(code)} if code else {}
        sent |= {"output": output} if output else {}
        was = state("Task", self.stored)
        verdict = judge("Task", self.stored, sent, by)
        if verdict.kind is not None:
            assert verdict.issues
            return
        becomes = state("Task", sent)
        if was != becomes:
            rows = [t for t in TASK if t.before == was and t.after == becomes and t.by & by]
            assert rows
            if becomes == "completed":
                assert output or reason == REASON
            if becomes in ("rejected", "failed"):
                assert reason == REASON
        if ASKED in (was, becomes) and status in OPEN:
            assert status == self.stored["status"]
        self.stored = sent
        self.ended = self.ended or (becomes if becomes in TASK_FINAL else None)

    @invariant()
    def ended_is_ended(self) -> None:
        """Nothing leaves a final state, and none is reached that the table has not."""
        assert self.ended is None or self.stored["status"] == self.ended
        assert not self.stored or state("Task", self.stored) in states(TASK)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
