"""The Composition of a student's plan: needs, goals, team, services with their state, and what has changed. Pure.

https://hl7.org/fhir/R4/composition.html and documents.html — made of what one caller may see, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.consent.attributes import labels_within
from app.plan.narrative import Json, Row, day, measured, person, text, words
from app.referral.codes import REVIEW_DATE
from app.terminology.code_systems import system

PLANNED = (
    "Patient",
    "CarePlan",
    "CareTeam",
    "Condition",
    "Goal",
    "Observation",
    "ServiceRequest",
    "Task",
    "Appointment",
    "Encounter",
    "Procedure",
    "RelatedPerson",
    "Practitioner",
    "PractitionerRole",
    "Organization",
)
"""The types that a plan is made of."""
MEASURES = system("student-measure")
_GONE = frozenset({"entered-in-error", "cancelled", "revoked"})
_STATUS = ("status", "lifecycleStatus")


Found = list[tuple[Json, Row]]
"""Rows of a table, each with the resource that it tells of."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the plan; `empty` is said where nothing was found."""

    title: str
    headings: Row
    empty: str
    found: Found


def sections(resources: list[Json]) -> list[Section]:
    """What the plan over these resources tells, the newest first."""
    live = [r for r in resources if not _GONE & {str(r.get(k)) for k in _STATUS}]
    names = names_of(resources)
    starts = [p["period"]["start"][:10] for p in live if _is(p, "CarePlan") and "start" in p.get("period", {})]
    start = min(starts, default="")
    return [Section(title, headings, empty, rows(live, names, start)) for title, headings, empty, rows in _SECTIONS]


def names_of(resources: list[Json]) -> dict[str, str]:
    """The name of each resource, by reference."""
    return {f"{r['resourceType']}/{r['id']}": _name(r) for r in resources}


def composition(resources: list[Json], student: str, author: Json, at: str, *, whole: bool) -> Json:
    """The Composition over these resources, the newest first; `student` is a reference, and `author` one with a name.

    It tells of them in words, so it has the labels of all of them. `whole`: whether these are all that there are.
    """
    names = names_of(resources)
    marked = labels_within(*resources)
    about = next((r for r in resources if f"{r['resourceType']}/{r['id']}" == student), {})
    return {
        "resourceType": "Composition",
        **({"meta": {"security": marked}} if marked else {}),
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18776-5", "display": "Plan of care note"}]},
        "text": _head(about, names.get(student, ""), author, at, whole=whole),
        "subject": {"reference": student, **({"display": names[student]} if names.get(student) else {})},
        "date": at,
        "author": [author],
        "title": "Plan of support",
        "section": [_section(s.title, text(_told(s.found), s.headings, s.empty), s.found) for s in sections(resources)],
    }


def under(consents: list[str]) -> Json:
    """The section of the Consents under which records of the plan were disclosed. 42 CFR 2.32"""
    return {
        "title": "Disclosed under",
        "text": text([(c,) for c in consents], ("Consent",), ""),
        "entry": [{"reference": c} for c in consents],
    }


def _head(about: Json, name: str, author: Json, at: str, *, whole: bool) -> Json:
    """Whose plan it is, as of when and told by whom: what the first lines of a printed page say."""
    rows = [("Student", name), ("Born", day(about.get("birthDate"))), ("As of", day(at))]
    rows += [("Told by", str(author.get("display", "")))]
    rows += [] if whole else [("Not whole", "There are more records than are told of here: the oldest are left out.")]
    return text([row for row in rows if row[1]], ("Plan of support", ""), "")


def _told(found: Found) -> list[Row]:
    return [row for _, row in found]


def _section(title: str, narrative: Json, found: Found) -> Json:
    references = dict.fromkeys(f"{r['resourceType']}/{r['id']}" for r, _ in found)
    entries = [{"reference": r} for r in references]
    return {"title": title, "text": narrative, **({"entry": entries} if entries else {})}


def _is(resource: Json, *types: str) -> bool:
    return resource["resourceType"] in types


def _is_measure(resource: Json) -> bool:
    """Whether it measures attendance, grades or behavior. Of other types `code` may be a list."""
    return _is(resource, "Observation") and any(
        c.get("system") == MEASURES for c in resource.get("code", {}).get("coding", [])
    )


def _plans(live: list[Json], names: dict[str, str], _start: str) -> Found:
    found: Found = []
    for plan in (r for r in live if _is(r, "CarePlan")):
        title = str(plan.get("title") or words(plan.get("category")) or "Plan")
        reviews = ", ".join(day(e.get("valueDate")) for e in plan.get("extension", []) if e.get("url") == REVIEW_DATE)
        by = person(plan.get("author"), names)
        found.append((plan, (title, str(plan["status"]), day(plan.get("period")), reviews, by)))
    return found


def _needs(live: list[Json], _names: dict[str, str], _start: str) -> Found:
    found: Found = []
    for r in live:
        if _is(r, "Condition"):
            found.append((r, (words(r.get("code")), words(r.get("clinicalStatus")), day(r.get("recordedDate")))))
        elif _is(r, "Observation") and not _is_measure(r):
            found.append((r, (words(r.get("code")), measured(r), _when(r))))
    return found


def _goals(live: list[Json], names: dict[str, str], _start: str) -> Found:
    found: Found = []
    for goal in (g for g in live if _is(g, "Goal")):
        due = ", ".join(day(t.get("dueDate")) for t in goal.get("target", []) if t.get("dueDate"))
        state = words(goal.get("achievementStatus")) or str(goal["lifecycleStatus"])
        state += f" ({day(goal['statusDate'])})" if "statusDate" in goal else ""
        found.append((goal, (words(goal.get("description")), person(goal.get("expressedBy"), names), due, state)))
    return found


def _team(live: list[Json], names: dict[str, str], _start: str) -> Found:
    teams = (r for r in live if _is(r, "CareTeam"))
    return [
        (team, (person(p.get("member"), names), words(p.get("role")), day(p.get("period"))))
        for team in teams
        for p in team.get("participant", [])
    ]


def _services(live: list[Json], names: dict[str, str], _start: str) -> Found:
    found: Found = []
    for r in live:
        if _is(r, "ServiceRequest"):
            by = ", ".join(n for p in r.get("performer", []) if (n := person(p, names)))
            what = words(r.get("code")) or words(r.get("category"))
            found.append((r, (what, by, str(r["status"]), day(r.get("authoredOn")))))
        elif _is(r, "Task"):
            state = words(r.get("businessStatus")) or str(r["status"])
            found.append((r, (words(r.get("code")), person(r.get("owner"), names), state, day(r.get("lastModified")))))
        elif _is(r, "Appointment"):
            found.append((r, (words(r.get("serviceType")) or "Appointment", "", str(r["status"]), day(r.get("start")))))
        elif _is(r, "Encounter"):
            by, what = person(r.get("serviceProvider"), names), words(r.get("type")) or words(r.get("class"))
            found.append((r, (what, by, str(r["status"]), day(r.get("period")))))
        elif _is(r, "Procedure"):
            by = ", ".join(n for p in r.get("performer", []) if (n := person(p.get("actor"), names)))
            when = day(r.get("performedDateTime") or r.get("performedPeriod")) or str(r.get("performedString", ""))
            found.append((r, (words(r.get("code")), by, str(r["status"]), when)))
        elif _is(r, "CarePlan"):
            found += [(r, _activity(a["detail"], names)) for a in r.get("activity", []) if "detail" in a]
    return found


def _activity(detail: Json, names: dict[str, str]) -> Row:
    """An activity that is told within the plan, and is no record of its own."""
    by = ", ".join(n for p in detail.get("performer", []) if (n := person(p, names)))
    when = day(detail.get("scheduledPeriod")) or str(detail.get("scheduledString", ""))
    return words(detail.get("code")) or str(detail.get("description", "")), by, str(detail["status"]), when


def _outcomes(live: list[Json], _names: dict[str, str], start: str) -> Found:
    """Each measure: the last one before the plan began, or else the first; the newest; and the change between them."""
    series: dict[str, list[Json]] = {}
    for o in sorted((o for o in live if _is_measure(o)), key=_when):
        series.setdefault(words(o["code"]), []).append(o)
    found: Found = []
    for name, points in sorted(series.items()):
        before = [p for p in points[:-1] if start and _when(p) <= start]
        first, last = (before or points[:1])[-1], points[-1]
        values = (f"{measured(o)} ({_when(o)})" for o in (first, last))
        found.append((last, (name, *values, _change(first, last))))
    return found


def _when(observation: Json) -> str:
    value = observation.get("effectiveDateTime") or observation.get("effectivePeriod", {}).get("end")
    return day(value or observation.get("issued"))


def _change(first: Json, last: Json) -> str:
    values = [o.get("valueQuantity", {}).get("value") for o in (first, last)]
    return "" if first is last or None in values else f"{values[1] - values[0]:+}"


def _name(resource: Json) -> str:
    name = resource.get("name")
    if isinstance(name, str):
        return name
    if isinstance(name, list) and name and isinstance(name[0], dict):
        parts = [*name[0].get("given", []), name[0].get("family", "")]
        return str(name[0].get("text") or " ".join(p for p in parts if p))
    return words(resource.get("code"))


_Rows = Callable[[list[Json], dict[str, str], str], Found]
_SECTIONS: tuple[tuple[str, Row, str, _Rows], ...] = (
    (
        "The plan and its review",
        ("Plan", "State", "From and to", "Review", "Coordinator"),
        "No plan is on file.",
        _plans,
    ),
    ("Strengths and needs", ("What", "State or finding", "When"), "Nothing is on file.", _needs),
    ("Goals", ("Goal", "Expressed by", "Due", "State"), "No goals are on file.", _goals),
    ("Team", ("Who", "Role", "When"), "No team is on file.", _team),
    ("Services and referrals", ("Service", "Who", "State", "When"), "No services are on file.", _services),
    ("Outcomes", ("Measure", "When the plan began", "Now", "Change"), "Nothing was measured.", _outcomes),
)
