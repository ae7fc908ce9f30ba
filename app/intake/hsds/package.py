"""Reads an HSDS directory: JSON services as the API gives them, or a folder of CSV files, joined by their ids.

https://docs.openreferral.org/en/latest/hsds/serialization.html
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from app.errors import HallpassError, Kind

Json = dict[str, Any]
BELOW_SERVICE = {
    "phones": "phones",
    "schedules": "schedules",
    "regular_schedules": "schedules",
    "languages": "languages",
    "service_areas": "service_areas",
    "funding": "funding",
    "cost_options": "cost_options",
    "required_documents": "required_documents",
}
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = {name: name[:2].upper() for name in _NAMES}
NUMBERED = {str(n): code for n, code in enumerate(WEEKDAYS.values(), 1)}


def services(source: Path) -> list[Json]:
    """Every service with its organization and places inside it, as HSDS 3.0's JSON has it.

    Raises INVALID for what is no directory, with the file.
    """
    if source.is_dir():
        return _joined({f.stem: _rows(f) for f in sorted(source.glob("*.csv"))}, source)
    try:
        found = orjson.loads(source.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise HallpassError(Kind.INVALID, f"{source} is neither a folder of CSV files nor JSON.") from None
    listed = found.get("contents", [found]) if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(isinstance(s, dict) and s.get("id") and s.get("name") for s in listed):
        raise HallpassError(Kind.INVALID, f"{source}: each service has an id and a name.")
    return listed


def _rows(file: Path) -> list[Json]:
    """The rows of a file, wholly empty ones left out. Raises INVALID with the line of a row of another length."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise HallpassError(Kind.INVALID, f"{file.name} is not UTF-8.") from None
    reader = csv.reader(text.splitlines(keepends=True))
    head = [name.strip() for name in next(reader, [])]
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            text = f"{file.name}, line {reader.line_num}: {len(cells)} cells, not {len(head)}."
            raise HallpassError(Kind.INVALID, text)
        rows.append({k: v.strip() or None for k, v in zip(head, cells, strict=True)})
    return rows


def _joined(tables: dict[str, list[Json]], source: Path) -> list[Json]:
    if "services" not in tables:
        raise HallpassError(Kind.INVALID, f"{source} has no services.csv.")
    organizations, places = _organizations(tables), _places(tables)
    below: dict[str, dict[str, list[Json]]] = defaultdict(lambda: defaultdict(list))
    for name, element in BELOW_SERVICE.items():
        for row in tables.get(name, []):
            own = _weekly(row) if name == "regular_schedules" else row
            below[str(row.get("service_id"))][element].append(own)
    at: dict[str, list[Json]] = defaultdict(list)
    for row in [*tables.get("service_at_locations", []), *tables.get("services_at_location", [])]:
        if row.get("location_id") in places:
            at[str(row["service_id"])].append({"location": places[row["location_id"]]})
    return [
        {
            **s,
            **below[s["id"]],
            "organization": organizations.get(s.get("organization_id")),
            "service_at_locations": at[s["id"]],
        }
        for s in tables["services"]
        if s.get("id") and s.get("name")
    ]


def _organizations(tables: dict[str, list[Json]]) -> dict[Any, Json]:
    """The organizations by id, with the phones that are no service's."""
    found = {o["id"]: dict(o) for o in tables.get("organizations", [])}
    for row in tables.get("phones", []):
        if row.get("organization_id") in found and not row.get("service_id"):
            found[row["organization_id"]].setdefault("phones", []).append(row)
    return found


def _places(tables: dict[str, list[Json]]) -> dict[Any, Json]:
    """The locations by id, with their addresses."""
    found = {p["id"]: dict(p) for p in tables.get("locations", [])}
    for name in ("addresses", "physical_addresses", "postal_addresses"):
        for row in tables.get(name, []):
            if row.get("location_id") in found:
                found[row["location_id"]].setdefault("addresses", []).append(row)
    return found


def _weekly(row: Json) -> Json:
    """A row of version 1's hours, by the name or the number of the weekday."""
    day = str(row.get("weekday") or "").casefold()
    return {**row, "freq": "WEEKLY", "byday": WEEKDAYS.get(day) or NUMBERED.get(day)}
