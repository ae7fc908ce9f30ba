"""Judges one write of a referral or its Task by the table of its life. Pure.

What is refused is said with what would be allowed. docs/referral.md has the table, and what each element is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.errors import Issue, Kind
from app.fhir.json import canonical
from app.referral import codes as c
from app.referral import table as t
from app.referral.table import Need, Party, Transition
from app.resources.paths import values

Json = dict[str, Any]
SET_BY_OWNER = frozenset({"accepted", "rejected", "in-progress", "on-hold", "failed", "completed", "cancelled"})
"""What the owner of a Task that follows no referral may set."""
FIXED = ("focus", "for", "code", "intent", "requester", "partOf")
"""Elements of a Task that stand once it is sent."""
FIXED_AT_END = ("owner", "status", "statusReason", "businessStatus")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a write; without: what remains to be asked of others' state, any one row of which will do."""

    kind: Kind | None = None
    issues: tuple[Issue, ...] = ()
    remaining: tuple[frozenset[Need], ...] = ()


def follows_referral(task: Json) -> bool:
    """Whether a Task is about the progress of a referral."""
    reference = task.get("focus", {}).get("reference")
    return isinstance(reference, str) and reference.startswith("ServiceRequest/")


def state(type_name: str, resource: Json) -> str | None:
    """Where a referral or its Task stands; None: it does not exist yet."""
    status: str | None = resource.get("status")
    asked = status in t.OPEN and business(resource) == c.CANCELLATION_REQUESTED
    return t.ASKED if type_name == "Task" and asked else status


def business(task: Json) -> str | None:
    """The business status of a Task in BSeR's codes."""
    found = [x.get("code") for x in values(task, "businessStatus.coding") if x.get("system") == c.BUSINESS_STATUS]
    return str(found[0]) if found else None


def reason(task: Json) -> str | None:
    """The coded reason of a Task's status."""
    found = [x.get("code") for x in values(task, "statusReason.coding") if x.get("system") == c.STATUS_REASON]
    return next((str(code) for code in found if code in c.STATUS_REASONS), None)


def judge(type_name: str, before: Json, after: Json, parties: frozenset[Party]) -> Verdict:
    """What is wrong with storing `after` in the place of `before` (empty: there is none) for these parties."""
    if type_name == "Task" and not (follows_referral(before) or follows_referral(after)):
        return _other_task(before, after, parties)
    table = t.TABLES[type_name]
    was, becomes = state(type_name, before), state(type_name, after)
    rows = [row for row in t.allowed(table, was, parties) if row.after == becomes]
    if (was != becomes and not rows) or _slips(before, after, was, becomes):
        return Verdict(Kind.CONFLICT if was else Kind.UNPROCESSABLE, (_not_allowed(type_name, was, becomes, parties),))
    if type_name != "Task":
        return Verdict()
    if fixed := _fixed(table, before, after, was):
        return Verdict(Kind.CONFLICT, fixed)
    wrong = (*_reasons(after), *_business(before, after, becomes, parties), *_output(before, after, was, parties))
    if was == becomes:
        return Verdict(Kind.UNPROCESSABLE, wrong) if wrong else Verdict()
    met = [row for row in rows if not _unmet(row, after)]
    wrong += () if met else (_unmet(rows[0], after)[0],)
    if wrong:
        return Verdict(Kind.UNPROCESSABLE, wrong)
    return Verdict(remaining=tuple(row.needs & {Need.ACTIVE_REFERRAL, Need.RELEASE_ENDED} for row in met))


def _slips(before: Json, after: Json, was: str | None, becomes: str | None) -> bool:
    """Whether the status changes under a question to cancel that is asked or taken back."""
    return t.ASKED in (was, becomes) and after.get("status") in t.OPEN and before.get("status") != after.get("status")


def _not_allowed(type_name: str, was: str | None, becomes: str | None, parties: frozenset[Party]) -> Issue:
    rows = t.allowed(t.TABLES[type_name], was, parties)
    who = " or ".join(sorted(parties)) or "nobody"
    ways = ", ".join(sorted({row.after for row in rows})) or "nothing"
    if was is None:
        text = f"A new {type_name} cannot be {becomes}. As its {who} you may create: {ways}."
    elif was in t.final(t.TABLES[type_name]):
        text = f"It is {was}, which is final. Start again with a new one."
    else:
        text = f"It is {was} and cannot become {becomes}. As its {who} you may set: {ways}."
    return Issue(text, f"{type_name}.status", "business-rule")


def _fixed(table: tuple[Transition, ...], before: Json, after: Json, was: str | None) -> tuple[Issue, ...]:
    """The elements that changed although they stand by now."""
    if was in (None, t.DRAFT):
        return ()
    names = [*FIXED, *(("owner",) if was != t.REQUESTED else ()), *(FIXED_AT_END if was in t.final(table) else ())]
    changed = [n for n in dict.fromkeys(names) if not _same(before.get(n), after.get(n))]
    text = f"This stands since the Task was sent; it is {was}. Refer again with a new Task, which names this as partOf."
    return tuple(Issue(text, f"Task.{n}", "business-rule") for n in changed)


def _reasons(after: Json) -> tuple[Issue, ...]:
    if "statusReason" not in after:
        return ()
    if not after["statusReason"].get("text"):
        return (Issue("A reason is said in words too.", "Task.statusReason.text", "required"),)
    stated = [x.get("code") for x in values(after, "statusReason.coding") if x.get("system") == c.STATUS_REASON]
    if any(code not in c.STATUS_REASONS for code in stated):
        return (Issue(f"Unknown reason. {_ways()}", "Task.statusReason.coding", "code-invalid"),)
    return ()


def _business(before: Json, after: Json, becomes: str | None, parties: frozenset[Party]) -> tuple[Issue, ...]:
    """What is wrong with a business status that this write sets."""
    code = business(after)
    if code is None or code == business(before):
        return ()
    at = "Task.businessStatus"
    if code not in t.BUSINESS:
        ways = ", ".join(f"{k} ({v})" for k, v in c.BUSINESS_STATUSES.items())
        return (Issue(f"Unknown business status. Use one of: {ways}.", at, "code-invalid"),)
    stands, by = t.BUSINESS[code]
    if becomes not in stands:
        text = f"This business status stands while the Task is {', '.join(sorted(stands))}; it is {becomes}."
        return (Issue(text, at, "business-rule"),)
    if not by & parties:
        return (Issue(f"This business status is set by the {' or the '.join(sorted(by))}.", at, "business-rule"),)
    if code == c.SCHEDULED and not values(after, "executionPeriod.start"):
        return (Issue("Say when the appointment is.", "Task.executionPeriod.start", "required"),)
    return ()


def _output(before: Json, after: Json, was: str | None, parties: frozenset[Party]) -> tuple[Issue, ...]:
    if was in (None, t.DRAFT) or parties & {Party.OWNER, Party.CLAIMANT}:
        return ()
    if _same(before.get("output"), after.get("output")):
        return ()
    return (Issue("What came of a referral is said by its owner.", "Task.output", "business-rule"),)


def _unmet(row: Transition, after: Json) -> list[Issue]:
    """What a transition asks of the Task itself and does not find."""
    found: list[Issue] = []
    has_text, has_code = bool(after.get("statusReason", {}).get("text")), reason(after) is not None
    if Need.REASON in row.needs and not has_text:
        found.append(
            Issue(f"Say why, in words, and by a code where one fits. {_ways()}", "Task.statusReason", "required")
        )
    if Need.CODED_REASON in row.needs and not (has_text and has_code):
        found.append(Issue(f"Say why, in words and by a code. {_ways()}", "Task.statusReason", "required"))
    if Need.OUTCOME in row.needs and not (after.get("output") or has_code):
        text = f"Say what came of it: an output that names the service delivered, or a coded reason. {_ways()}"
        found.append(Issue(text, "Task.output", "required"))
    return found


def _ways() -> str:
    return f"The codes of {c.STATUS_REASON} are: {', '.join(c.STATUS_REASONS)}."


def _other_task(before: Json, after: Json, parties: frozenset[Party]) -> Verdict:
    """A Task that follows no referral: what has ended has ended, and a party sets what is its own."""
    was, becomes = before.get("status"), after.get("status")
    if was == becomes or was is None:
        return Verdict()
    if was in t.final(t.TASK):
        text = f"It is {was}, which is final. Start again with a new one."
        return Verdict(Kind.CONFLICT, (Issue(text, "Task.status", "business-rule"),))
    if Party.REQUESTER not in parties and becomes not in SET_BY_OWNER:
        text = f"It cannot become {becomes}. As its owner you may set: {', '.join(sorted(SET_BY_OWNER))}."
        return Verdict(Kind.CONFLICT, (Issue(text, "Task.status", "business-rule"),))
    return Verdict()


def _same(one: Any, other: Any) -> bool:
    return canonical({"x": one}) == canonical({"x": other})
