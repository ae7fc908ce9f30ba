"""FHIR to HSDS 3.0, read-only: what the directory says, for those who read HSDS. Pure.

https://docs.openreferral.org/en/latest/hsds/schema_reference.html — ids are those of the resources, which are UUIDs.
"""

from __future__ import annotations

from typing import Any

from app.intake.hsds.mapping import DAYS, PHONES

Json = dict[str, Any]
_DAYS = {v: k for k, v in DAYS.items()}
_PHONES = {"phone": "voice", "fax": "fax", "pager": "pager", "sms": "text"}
assert set(_PHONES) <= set(PHONES.values())


def service(resource: Json, organizations: dict[str, Json], locations: dict[str, Json]) -> Json:
    """A HealthcareService as HSDS has it, with its organization and places inside."""
    provider = organizations.get(resource.get("providedBy", {}).get("reference", ""))
    places = [locations[r["reference"]] for r in resource.get("location", []) if r.get("reference") in locations]
    found: Json = {
        "id": resource["id"],
        "organization_id": provider["id"] if provider else None,
        "name": resource.get("name"),
        "description": resource.get("comment"),
        "status": "active" if resource.get("active") else "inactive",
        "interpretation_services": _first_text(resource, "characteristic"),
        "application_process": _first_text(resource, "referralMethod"),
        "eligibility_description": next(
            (e["comment"] for e in resource.get("eligibility", []) if "comment" in e), None
        ),
        "last_modified": resource.get("meta", {}).get("lastUpdated"),
        **_contact(resource, "url"),
        "languages": [{"code": c["code"]} for x in resource.get("communication", []) for c in x.get("coding", [])],
        "schedules": [_schedule(t) for t in resource.get("availableTime", [])],
        "service_areas": [{"name": a["display"]} for a in resource.get("coverageArea", []) if "display" in a],
        "organization": _organization(provider) if provider else None,
        "service_at_locations": [{"location_id": p["id"], "location": _location(p)} for p in places],
    }
    return {k: v for k, v in found.items() if v not in (None, [], {})}


def _organization(resource: Json) -> Json:
    found = {"id": resource["id"], "name": resource.get("name"), **_contact(resource, "website")}
    return {k: v for k, v in found.items() if v not in (None, [])}


def _location(resource: Json) -> Json:
    address, position = resource.get("address", {}), resource.get("position", {})
    lines = [*address.get("line", []), None, None]
    own = {
        "address_1": lines[0],
        "address_2": lines[1],
        "city": address.get("city"),
        "state_province": address.get("state"),
        "postal_code": address.get("postalCode"),
        "country": address.get("country"),
        "address_type": "physical",
    }
    found = {
        "id": resource["id"],
        "location_type": "physical",
        "name": resource.get("name"),
        "description": resource.get("description"),
        "latitude": position.get("latitude"),
        "longitude": position.get("longitude"),
        "addresses": [{k: v for k, v in own.items() if v}] if address else [],
    }
    return {k: v for k, v in found.items() if v not in (None, [])}


def _contact(resource: Json, link: str) -> Json:
    points = resource.get("telecom", [])
    found = {p["system"]: p["value"] for p in points if p.get("system") in ("email", "url") and "value" in p}
    phones = [{"number": p["value"], "type": _PHONES[p["system"]]} for p in points if p.get("system") in _PHONES]
    return {"email": found.get("email"), link: found.get("url"), "phones": phones}


def _schedule(time: Json) -> Json:
    days = [_DAYS[d] for d in time.get("daysOfWeek", _DAYS)]
    start, end = time.get("availableStartTime"), time.get("availableEndTime")
    if time.get("allDay"):
        start, end = "00:00", "24:00"
    return {"freq": "WEEKLY", "byday": ",".join(days), "opens_at": str(start)[:5], "closes_at": str(end)[:5]}


def _first_text(resource: Json, element: str, part: str = "text") -> str | None:
    return next((str(x[part]) for x in resource.get(element, []) if part in x), None)
