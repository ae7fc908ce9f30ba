"""What is counted of referrals, and how long families wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fhir.resources.R4B.measurereport import MeasureReport

from app.referral import codes as c
from app.report.figures import figures
from app.report.measure_report import MEASURES, measure_report
from app.report.referral import Referral, referral

NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
MADE = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = {"stat": 1, "asap": 2, "urgent": 3, "routine": 14}


def request(**more: Any) -> dict[str, Any]:
    """A referral of 1 September."""
    return {"resourceType": "ServiceRequest", "status": "active", "authoredOn": "2026-09-01", **more}


def task(*steps: tuple[int, str], **more: Any) -> list[tuple[datetime, dict[str, Any]]]:
    """The history of a Task: statuses by days after the referral."""
    return [
        (MADE + timedelta(days=day), {"status": status, "focus": {"reference": "ServiceRequest/x"}, **more})
        for day, status in steps
    ]


def read(*histories: list[tuple[datetime, dict[str, Any]]], visits: tuple[Any, ...] = (), **more: Any) -> Referral:
    """The referral with these Tasks."""
    found = referral(request(**more), histories, visits, (), ZONE, "Organization/school", DAYS)
    assert found is not None
    return found


def waits(days: int | None, until: int | None = None) -> Referral:
    """A referral that was served after some days, or one that was not; `until`: when it ended without."""
    served = MADE + timedelta(days=days) if days is not None else None
    ended = MADE + timedelta(days=until) if until is not None else None
    return Referral(
        made=MADE,
        served=served,
        ended=ended,
        dimensions=dict.fromkeys(("category", "school", "provider", "month", "tier"), "x"),
    )


def test_a_referral_reaches_a_service_by_the_first_visit_or_by_its_task() -> None:
    visit = {"status": "finished", "period": {"start": "2026-09-11"}}
    assert read(task((0, "requested"), (2, "accepted")), visits=(visit,)).served == MADE + timedelta(days=10)
    done = task((0, "requested"), (2, "accepted"), (8, "completed"), output=[{"valueString": "tutored"}])
    assert read(done).served == MADE + timedelta(days=8)
    assert read(task((0, "requested"), (3, "completed"))).served is None, "completed for a reason is no service"
    assert read(visits=({"status": "planned", "period": {"start": "2026-09-11"}},)).served is None


def test_a_referral_is_declined_where_all_that_were_asked_declined() -> None:
    reason = {"coding": [{"system": c.STATUS_REASON, "code": "no-capacity"}], "text": "full"}
    no = task((0, "requested"), (1, "rejected"), statusReason=reason)
    assert read(no).declined == "no-capacity"
    assert read(no, task((2, "requested"), (3, "accepted"))).declined is None


def test_the_loop_is_closed_when_the_last_task_has_ended() -> None:
    ended, runs = task((0, "requested"), (1, "cancelled")), task((0, "requested"), (5, "failed"))
    assert read(ended, runs).ended == MADE + timedelta(days=5)
    assert read(ended, task((2, "requested"))).open()
    assert not read(status="revoked").open()


def test_a_referral_is_overdue_by_its_priority_while_nobody_serves_it() -> None:
    soon = MADE + timedelta(days=8)
    assert read(priority="urgent").overdue(soon)
    assert not read(priority="routine").overdue(soon)
    assert not read(task((0, "requested"), (1, "in-progress")), priority="urgent").overdue(soon)


def test_after_how_many_days_a_referral_is_overdue_is_the_setting_s() -> None:
    for days, late in ((4, True), (5, False)):
        found = referral(request(priority="urgent"), (), (), (), ZONE, "s", {**DAYS, "urgent": days})
        assert found is not None
        assert found.overdue(MADE + timedelta(days=4, hours=12)) is late


def test_the_day_of_need_that_a_referral_states_counts_before_what_it_names_as_its_reason() -> None:
    said = [{"url": c.DAY_OF_NEED, "valueDate": "2026-08-10"}]
    found = referral(request(extension=said), (), (), ({"onsetDateTime": "2026-08-20"},), ZONE, "s", DAYS)
    assert found is not None
    assert found.needed == datetime(2026, 8, 10, tzinfo=UTC)


def test_drafts_and_errors_are_no_referrals() -> None:
    for status in ("draft", "entered-in-error"):
        assert referral(request(status=status), (), (), (), ZONE, "s", DAYS) is None


def test_the_time_from_need_begins_with_the_need() -> None:
    needs = ({"onsetDateTime": "2026-08-20"}, {"effectiveDateTime": "2026-08-25"})
    found = referral(request(), (), (), needs, ZONE, "s", DAYS)
    assert found is not None
    assert found.needed == datetime(2026, 8, 20, tzinfo=UTC)


def test_who_still_waits_counts() -> None:
    """Two served at once beside eight who wait: the median of those served tells nothing of the wait."""
    times = figures([waits(1), waits(2), *(waits(None) for _ in range(8))], NOW).from_referral
    assert (times.median, times.expected_median) == (1.5, None)
    served = figures([waits(n) for n in range(1, 11)], NOW).from_referral
    assert (served.median, served.p90, served.expected_median, served.expected_p90) == (5.5, 9.1, 5.0, 9.0)


def test_the_estimate_is_that_of_kaplan_and_meier() -> None:
    """A worked example: of 5 one is served on day 1, one lost on day 2, two served on 3 and 4, one waits."""
    times = figures([waits(1), waits(None, 2), waits(3), waits(4), waits(None)], NOW).from_referral
    assert (times.expected_median, times.expected_p90) == (4.0, None)


def test_the_report_is_a_measure_report_with_every_measure_by_every_dimension() -> None:
    report = measure_report([waits(3), waits(None)], "Organization/x", ("2026-09-01", "2026-09-30"), NOW)
    MeasureReport.model_validate(report)
    groups = {g["code"]["coding"][0]["code"]: g for g in report["group"]}
    assert {code for code in MEASURES if not code.startswith("days")} <= groups.keys()
    assert groups["reached"]["measureScore"]["value"] == 0.5
    assert groups["days-from-referral-median"]["measureScore"]["value"] == 3.0
    assert {s["code"][0]["text"] for s in groups["made"]["stratifier"]} == {
        "category", "school", "provider", "month", "tier",
    }  # fmt: skip


def test_a_report_on_nothing_is_a_report() -> None:
    MeasureReport.model_validate(measure_report([], "Organization/x", ("2026-09-01", "2026-09-30"), NOW))
