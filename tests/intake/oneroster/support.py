"""OneRoster packages for the tests: those of the shared data, and small ones that are made here."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.intake.oneroster.columns import COLUMNS
from app.intake.oneroster.package import FILES
from app.intake.oneroster.reader import OneRoster
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Finding
from app.intake.roster.source import About

SHARED = Path(__file__).parents[4] / "shared" / "data" / "oneroster"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the OneRoster packages are not here")
TODAY = date(2026, 1, 15)

ORGS = [
    {"sourcedId": "d", "name": "Cedar ISD", "type": "district", "identifier": "77"},
    {"sourcedId": "s1", "name": "North", "type": "school", "parentSourcedId": "d"},
    {"sourcedId": "s2", "name": "South", "type": "school", "parentSourcedId": "d"},
]
SESSIONS = [
    {"sourcedId": "y", "title": "2025", "type": "schoolYear", "startDate": "2025-08-25", "endDate": "2026-06-12"}
]


def user(id_: str, role: str, **more: str) -> dict[str, str]:
    """A row of users.csv of version 1.1."""
    return {
        "sourcedId": id_,
        "enabledUser": "true",
        "orgSourcedIds": "s1",
        "role": role,
        "username": id_,
        "givenName": "Ana",
        "familyName": "Rivera",
        **more,
    }


def family(number: int, **more: str) -> list[dict[str, str]]:
    """A student, by its state id, and its parent."""
    return [
        user(f"S{number}", "student", identifier=f"{1000 + number}", agentSourcedIds=f"P{number}", **more),
        user(f"P{number}", "parent", givenName="Luz", phone="555-0100"),
    ]


def enrollment(number: int, **more: str) -> dict[str, str]:
    """A row of enrollments.csv for the student of a number."""
    return {
        "sourcedId": f"E{number}",
        "classSourcedId": "c",
        "schoolSourcedId": "s1",
        "userSourcedId": f"S{number}",
        "role": "student",
        "beginDate": "2025-08-25",
        **more,
    }


def package(path: Path, *, mode: str = "bulk", text: dict[str, str | bytes] | None = None, **files: Any) -> Path:
    """Write a zip of version 1.1; `text` replaces whole files."""
    held = {"orgs": ORGS, "academicSessions": SESSIONS, **files}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        names = {name: mode if name in held else "absent" for name in FILES}
        lines = ["manifest.version,1.0", "oneroster.version,1.1", *(f"file.{n},{m}" for n, m in names.items())]
        whole = {"manifest": "propertyName,value\n" + "\n".join(lines) + "\n"}
        for name, rows in held.items():
            whole[name] = table(name, rows)
        for name, content in (whole | (text or {})).items():
            archive.writestr(f"{name}.csv", content)
    return path


def table(name: str, rows: list[dict[str, str]]) -> str:
    """A CSV file with all columns of version 1.1."""
    columns = COLUMNS[name]["1.1"]
    out = io.StringIO()
    out.write(",".join(columns) + "\n")
    for row in rows:
        out.write(",".join('"' + row.get(c, "").replace('"', '""') + '"' for c in columns) + "\n")
    return out.getvalue()


def read(path: Path, facts: RosterFacts, district: str | None = None) -> About:
    """Read a package into facts."""
    return OneRoster(path, district).open().read(facts, TODAY, lambda _: None)


def findings(path: Path) -> list[Finding]:
    """What is found wrong with the rows of a package."""
    found: list[Finding] = []
    with RosterFacts(found.append) as facts:
        read(path, facts)
    return found
