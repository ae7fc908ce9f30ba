"""A request to return or destroy what left under a release that was filed wrongly: its shape and its life. Pure.

https://hl7.org/fhir/R4/task.html — its custodian sends it, and who received acknowledges it. docs/referral.md draws it.
"""

from __future__ import annotations

from typing import Any

from app.errors import Issue, Kind
from app.fhir.json import canonical
from app.referral.table import (
    ACCEPTED,
    CANCELED,
    COMPLETED,
    DRAFT,
    ERROR,
    IN_PROGRESS,
    REJECTED,
    REQUESTED,
    Party,
    Transition,
    allowed,
    final,
    to,
)
from app.resources.paths import values
from app.resources.task import RETURN, TASK_CODE

Json = dict[str, Any]
_REQUESTER, _OWNER = [Party.REQUESTER], [Party.OWNER]
_OPEN = (REQUESTED, ACCEPTED, IN_PROGRESS)
TABLE: tuple[Transition, ...] = (
    *to(DRAFT, _REQUESTER, None),
    *to(REQUESTED, _REQUESTER, None, DRAFT),
    *to(ACCEPTED, _OWNER, REQUESTED),
    *to(IN_PROGRESS, _OWNER, REQUESTED, ACCEPTED),
    *to(COMPLETED, _OWNER, *_OPEN),
    *to(REJECTED, _OWNER, *_OPEN),
    *to(CANCELED, _REQUESTER, DRAFT, *_OPEN),
    *to(ERROR, _REQUESTER, DRAFT, *_OPEN),
)
"""Who takes a request where."""
STATUS_REASON = "https://hallpass.example/fhir/CodeSystem/return-status-reason"
STATUS_REASONS: dict[str, str] = {
    "returned": "What was received has been returned",
    "destroyed": "What was received has been destroyed",
    "kept-by-law": "The law asks the recipient to keep it",
    "not-found": "Nothing of it is held any more",
}
"""Display by code."""
_REASONS = {COMPLETED: ("returned", "destroyed", "not-found"), REJECTED: ("kept-by-law",)}
_SENT = frozenset(
    {"resourceType", "id", "meta", "identifier", "status", "intent", "priority", "code", "focus", "for", "authoredOn"}
    | {"lastModified", "requester", "owner", "restriction"}
)
"""What its custodian may say in it: nothing in words, since no release lets words about a student leave."""
_OWNERS = ("statusReason", "businessStatus", "executionPeriod", "note", "output")
_FIXED = ("code", "focus", "for", "intent", "requester", "owner")
_WORDS = frozenset({"text", "display", "extension", "contained", "modifierExtension"})


def asks_return(task: Json) -> bool:
    """Whether a Task is such a request."""
    return any(x.get("system") == TASK_CODE and x.get("code") == RETURN for x in values(task, "code.coding"))


def judge_return(before: Json, after: Json, parties: frozenset[Party]) -> tuple[Kind, tuple[Issue, ...]] | None:
    """What is wrong with storing `after` in the place of `before` (empty: there is none) for these parties."""
    if not asks_return(before or after) or not asks_return(after):
        text = "A request to return or destroy stays one, and no other Task becomes one. Make a new Task."
        return Kind.CONFLICT, (Issue(text, "Task.code", "business-rule"),)
    was, becomes = before.get("status"), after.get("status")
    if was != becomes and becomes not in {row.after for row in allowed(TABLE, was, parties)}:
        return (Kind.CONFLICT if was else Kind.UNPROCESSABLE), (_not_allowed(was, becomes, parties),)
    changed = [n for n in _FIXED if was not in (None, DRAFT) and not _same(before.get(n), after.get(n))]
    if changed:
        text = "This stands since the request was sent. Cancel it, and make a new one."
        return Kind.CONFLICT, tuple(Issue(text, f"Task.{n}", "business-rule") for n in changed)
    wrong = (*_missing(after), *_words(before, after), *_reason(was, after))
    return (Kind.UNPROCESSABLE, wrong) if wrong else None


def _not_allowed(was: str | None, becomes: str | None, parties: frozenset[Party]) -> Issue:
    who = " or ".join(sorted(parties)) or "nobody"
    ways = ", ".join(sorted({row.after for row in allowed(TABLE, was, parties)})) or "nothing"
    now = "which is final" if was in final(TABLE) else f"and cannot become {becomes}"
    return Issue(f"It is {was or 'new'}, {now}. As its {who} you may set: {ways}.", "Task.status", "business-rule")


def _missing(after: Json) -> list[Issue]:
    wanted = {"focus": "Consent/", "owner": "Organization/", "for": "Patient/"}
    text = "A request to return or destroy names the Consent (focus), the student (for) and who received (owner)."
    return [
        Issue(text, f"Task.{name}", "required")
        for name, kind in wanted.items()
        if not str(after.get(name, {}).get("reference", "")).startswith(kind)
    ]


def _words(before: Json, after: Json) -> list[Issue]:
    """What its custodian says in it besides: it goes to the recipient without a release."""
    text = "A request to return or destroy leaves without a release, so that it says nothing but codes and references."
    own = {k: v for k, v in after.items() if k not in _OWNERS}
    told = [k for k, v in own.items() if k not in _SENT or _has_words(v)]
    told += [k for k in after if k in _OWNERS and not before]
    return [Issue(text, f"Task.{name}", "business-rule") for name in told]


def _has_words(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_words, node))
    return isinstance(node, dict) and bool(_WORDS & node.keys() or any(map(_has_words, node.values())))


def _reason(was: str | None, after: Json) -> list[Issue]:
    """What an end asks for: a code that says what became of what was received."""
    becomes = str(after.get("status"))
    if was == becomes or becomes not in _REASONS:
        return []
    said = {x.get("code") for x in values(after, "statusReason.coding") if x.get("system") == STATUS_REASON}
    if said & set(_REASONS[becomes]):
        return []
    text = f"Say by a code of {STATUS_REASON} what became of it: {', '.join(_REASONS[becomes])}."
    return [Issue(text, "Task.statusReason", "required")]


def _same(one: Any, other: Any) -> bool:
    return canonical({"x": one}) == canonical({"x": other})
