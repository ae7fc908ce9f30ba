"""HSDS 3.0 to FHIR, by the mapping of the FHIR Human Services Directory guide. Pure.

http://hl7.org/fhir/us/hsds — what that mapping has no place for goes where a person reads it: fees, documents and
eligibility in words; schedules that are not weekly in `availabilityExceptions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
SYSTEM = "https://openreferral.org/hsds"
"""Below it: /organization, /service, /location. The ids of a package are its publisher's."""
TAXONOMIES = {"AIRS": "http://211hsis.org", "211HSIS": "http://211hsis.org"}
PHONES = {"voice": "phone", "cell": "phone", "fax": "fax", "pager": "pager", "text": "sms", "textphone": "sms"}
DAYS = {"MO": "mon", "TU": "tue", "WE": "wed", "TH": "thu", "FR": "fri", "SA": "sat", "SU": "sun"}
_WEEKDAY = re.compile(r"(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?")


def identifier(kind: str, value: Any) -> Json:
    """By which what came from a directory is found again."""
    return {"system": f"{SYSTEM}/{kind}", "value": str(value)}


def organization(found: Json, part_of: str) -> Json:
    """An Organization of the directory, filed under who brings it in."""
    names = [n for n in (found.get("alternate_name"),) if n]
    return _clean(
        {
            "resourceType": "Organization",
            "identifier": [identifier("organization", found["id"])],
            "active": True,
            "name": _text(found.get("name")),
            "alias": names,
            "telecom": _telecom(found, "website"),
            "partOf": {"reference": part_of},
        }
    )


def location(found: Json, managed_by: str) -> Json:
    """A Location: where a service is given. A position that is none on earth is left out."""
    lines: Json = next(iter(found.get("addresses") or []), {})
    latitude, longitude = _number(found.get("latitude"), 90), _number(found.get("longitude"), 180)
    return _clean(
        {
            "resourceType": "Location",
            "identifier": [identifier("location", found["id"])],
            "status": "active",
            "name": _text(found.get("name")),
            "alias": [n for n in (found.get("alternate_name"),) if n],
            "description": _text(found.get("description")),
            "telecom": _telecom(found, "url"),
            "address": _clean(
                {
                    "line": [t for t in (_text(lines.get("address_1")), _text(lines.get("address_2"))) if t],
                    "city": _text(lines.get("city")),
                    "state": _text(lines.get("state_province")),
                    "postalCode": _text(lines.get("postal_code")),
                    "country": _text(lines.get("country")),
                }
            ),
            "position": {"latitude": latitude, "longitude": longitude}
            if latitude is not None and longitude is not None
            else None,
            "managingOrganization": {"reference": managed_by},
        }
    )


def service(found: Json, provided_by: Json, locations: list[Json]) -> Json:
    """A HealthcareService."""
    weekly, other = _schedules(found.get("schedules") or [])
    words = [_text(found.get("alert")), *other]
    return _clean(
        {
            "resourceType": "HealthcareService",
            "identifier": [identifier("service", found["id"])],
            "active": found.get("status") == "active",
            "providedBy": provided_by,
            "category": [_category(t) for a in found.get("attributes") or [] if (t := a.get("taxonomy_term"))],
            "location": locations,
            "name": _text(found.get("name")),
            "comment": _text(found.get("description")),
            "extraDetails": "\n".join(_details(found)),
            "telecom": _telecom(found, "url"),
            "coverageArea": [{"display": a["name"]} for a in found.get("service_areas") or [] if a.get("name")],
            "program": [{"text": p} for p in (_text((found.get("program") or {}).get("name")),) if p],
            "characteristic": [{"text": t} for t in (_text(found.get("interpretation_services")),) if t],
            "communication": _languages(found.get("languages") or []),
            "availableTime": weekly,
            "availabilityExceptions": "; ".join(w for w in words if w),
            "referralMethod": [{"text": t} for t in (_text(found.get("application_process")),) if t],
            "eligibility": [{"comment": t} for t in (_eligibility(found),) if t],
        }
    )


def _telecom(found: Json, link: str) -> list[Json]:
    points = [
        {"system": PHONES.get(str(p.get("type") or "voice"), "other"), "value": str(p["number"]), "use": "work"}
        for p in found.get("phones") or []
        if any(character.isdigit() for character in str(p.get("number") or ""))
    ]
    for system, value in (("email", found.get("email")), ("url", found.get(link))):
        points += [{"system": system, "value": str(value), "use": "work"}] if value else []
    return points


def _category(term: Json) -> Json:
    system = TAXONOMIES.get(str(term.get("taxonomy") or ""))
    coding = _clean({"system": system, "code": _text(term.get("code")), "display": _text(term.get("name"))})
    return _clean({"coding": [coding] if system and coding.get("code") else None, "text": _text(term.get("name"))})


def _languages(found: Iterable[Json]) -> list[Json]:
    spoken: list[Json] = []
    for language in found:
        for code in str(language.get("code") or "").replace(";", ",").split(","):
            if code.strip():
                spoken.append({"coding": [{"system": "urn:ietf:bcp:47", "code": code.strip()}]})
        if not language.get("code") and language.get("name"):
            spoken.append({"text": str(language["name"])})
    return spoken


def _schedules(found: Iterable[Json]) -> tuple[list[Json], list[str]]:
    """The weekly hours, and in words what has no weekly form."""
    weekly, words = [], []
    for schedule in found:
        days = str(schedule.get("byday") or "")
        opens, closes = _clock(schedule.get("opens_at")), _clock(schedule.get("closes_at"))
        plain = schedule.get("freq") in (None, "", "WEEKLY") and str(schedule.get("interval") or "1") == "1"
        if plain and opens and closes and _WEEKDAY.fullmatch(days):
            own = [DAYS[d] for d in days.split(",")]
            weekly.append({"daysOfWeek": own, "availableStartTime": opens, "availableEndTime": closes})
            continue
        stated = [schedule.get(k) for k in ("freq", "byday", "bymonthday", "opens_at", "closes_at", "description")]
        words.append(" ".join(str(s) for s in stated if s))
    return weekly, words


def _clock(text: Any) -> str | None:
    """The local time of day; None for what is none."""
    found = _CLOCK.fullmatch(str(text or ""))
    return f"{int(found[1]):02}:{found[2]}:00" if found and int(found[1]) < 24 and int(found[2]) < 60 else None


def _details(found: Json) -> list[str]:
    lines = [f"Funding Source: {f['source']}" for f in found.get("funding") or [] if f.get("source")]
    fees = _text(found.get("fees_description") or found.get("fees"))
    lines += [f"Fees: {fees}"] if fees else []
    for cost in found.get("cost_options") or []:
        amount = " ".join(str(cost[k]) for k in ("amount", "currency") if cost.get(k) is not None)
        stated = [t for t in (_text(cost.get("option")), amount, _text(cost.get("amount_description"))) if t]
        lines += [f"Cost: {', '.join(stated)}"] if stated else []
    documents = [_text(d.get("document")) for d in found.get("required_documents") or []]
    lines += [f"Bring: {d}" for d in documents if d]
    wait = _text(found.get("wait_time"))
    return lines + ([f"Wait: {wait}"] if wait else [])


def _eligibility(found: Json) -> str:
    words = [_text(found.get("eligibility_description"))]
    youngest, oldest = found.get("minimum_age"), found.get("maximum_age")
    if youngest is not None or oldest is not None:
        until = f"to {oldest}" if oldest is not None else "and up"
        words.append(f"age {youngest} {until}" if youngest is not None else f"age {until}")
    return "; ".join(w for w in words if w)


def _number(value: Any, most: int) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if -most <= found <= most else None


def _text(value: Any) -> str | None:
    found = str(value).strip() if value is not None else ""
    return found or None


def _clean(resource: Json) -> Json:
    """Without what is empty: FHIR has no empty elements."""
    return {k: v for k, v in resource.items() if v is not None and v not in ("", [], {})}
