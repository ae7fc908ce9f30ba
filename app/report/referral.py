"""One referral as it is counted, read off its resources. Pure. docs/guides/reports.md says what each figure means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.fhir import dates
from app.referral.codes import DAY_OF_NEED
from app.referral.judge import reason, state
from app.referral.table import ACCEPTED, COMPLETED, IN_PROGRESS, OPEN, REJECTED, REQUESTED, TASK, final
from app.resources.paths import first, values

Json = dict[str, Any]
SERVICE_CATEGORY = "https://hallpass.example/fhir/CodeSystem/service-category"
SUPPORT_TIER = "https://hallpass.example/fhir/CodeSystem/support-tier"
UNSAID = "(not said)"
_TAKEN = frozenset({*OPEN, COMPLETED})
_FINAL = final(TASK)


@dataclass(frozen=True, slots=True)
class Referral:
    """What is counted of one referral. Times are moments; None: it has not happened, or nobody said so."""

    made: datetime
    needed: datetime | None = None
    accepted: bool = False
    declined: str | None = None
    """The coded reason of a referral that all its Tasks declined."""
    served: datetime | None = None
    ended: datetime | None = None
    """When the last of its Tasks came to its end: the loop is closed."""
    due: timedelta = timedelta(days=14)
    """After how long it is overdue where nobody has served it."""
    dimensions: dict[str, str] = field(default_factory=dict)
    """Its place in each dimension: category, school, provider, month, tier."""

    def open(self) -> bool:
        """Whether it waits for its end."""
        return self.ended is None

    def overdue(self, now: datetime) -> bool:
        """Whether it waits for its end and for a service, and longer than its priority has it."""
        return self.open() and self.served is None and now - self.made > self.due


def referral(
    request: Json,
    histories: Iterable[Sequence[tuple[datetime, Json]]],
    visits: Iterable[Json],
    needs: Iterable[Json],
    zone: ZoneInfo,
    school: str,
    overdue_days: Mapping[str, int],
) -> Referral | None:
    """The referral of a ServiceRequest; None of one that was never made (draft, entered in error).

    `histories`: the versions of each of its Tasks with their times, oldest first. `visits`: the Encounters that are
    based on it; `needs`: what it names as its reason. `school`: the organization that made it.
    `overdue_days`: after how many days it is overdue, by its priority.
    """
    made = moment(request.get("authoredOn"), zone)
    if made is None or request.get("status") in ("draft", "entered-in-error"):
        return None
    tasks = [list(h) for h in histories if h]
    last = [h[-1][1] for h in tasks]
    states = [str(state("Task", task)) for task in last]
    starts = [t for v in visits if v.get("status") in ("in-progress", "finished") if (t := _visit(v, zone))]
    served = min(starts, default=None) or min((t for h in tasks if (t := _served(h))), default=None)
    ended = max(_ended(h) for h in tasks) if tasks and all(s in _FINAL for s in states) else None
    if ended is None and request.get("status") in ("revoked", "completed"):
        ended = made if not tasks else max(h[-1][0] for h in tasks)
    declined = [reason(t) or "other" for t, s in zip(last, states, strict=True) if s == REJECTED]
    return Referral(
        made=made,
        needed=_said(request, zone) or min((t for n in needs if (t := _needed(n, zone))), default=None),
        accepted=any(v.get("status") in _TAKEN for h in tasks for _, v in h),
        declined=declined[-1] if declined and len(declined) == len(tasks) else None,
        served=max(served, made) if served else None,
        ended=ended,
        due=timedelta(days=overdue_days[request.get("priority", "routine")]),
        dimensions={
            "category": _code(request, SERVICE_CATEGORY) or first(request, "category.text") or UNSAID,
            "school": school,
            "provider": _provider(request, last),
            "month": made.astimezone(zone).strftime("%Y-%m"),
            "tier": _code(request, SUPPORT_TIER) or UNSAID,
        },
    )


def moment(text: Any, zone: ZoneInfo) -> datetime | None:
    """The first moment of a date."""
    return dates.interval(text, zone).lower if isinstance(text, str) else None


def _visit(encounter: Json, zone: ZoneInfo) -> datetime | None:
    return moment(first(encounter, "period.start"), zone)


def _said(request: Json, zone: ZoneInfo) -> datetime | None:
    """The day of need that a referral states itself."""
    said = (e.get("valueDate") for e in values(request, "extension") if e.get("url") == DAY_OF_NEED)
    return moment(next(said, None), zone)


def _needed(record: Json, zone: ZoneInfo) -> datetime | None:
    """When a need was known: of a Condition its onset or recording, of an Observation or an answer its time."""
    names = ("onsetDateTime", "effectiveDateTime", "recordedDate", "authored", "issued")
    return next((t for n in names if (t := moment(record.get(n), zone))), None)


def _served(history: Sequence[tuple[datetime, Json]]) -> datetime | None:
    """When a Task was first said to be under way, or to have come to something."""
    for at, version in history:
        status = version.get("status")
        if status == IN_PROGRESS or (status == COMPLETED and version.get("output")):
            return at
    return None


def _ended(history: Sequence[tuple[datetime, Json]]) -> datetime:
    """When a Task came to its final state."""
    return next(at for at, version in history if version.get("status") in _FINAL)


def _code(request: Json, system: str) -> str | None:
    found = [x.get("code") for x in values(request, "category.coding") if x.get("system") == system]
    return str(found[0]) if found else None


def _provider(request: Json, tasks: list[Json]) -> str:
    """The organization that has it, or the one that it was meant for."""
    standing = [t for t in tasks if t.get("status") in (REQUESTED, ACCEPTED, *_TAKEN)] or tasks
    named = [first(t, "owner.reference") for t in standing] + values(request, "performer.reference")
    return next((str(n) for n in named if n), UNSAID)
