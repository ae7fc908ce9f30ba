"""The mapping file of a CSV: which column is what, in TOML. Nothing that it does not name is read.
docs/guides/roster.md and https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.errors import HallpassError, Issue, Kind

STUDENT = ("id", "given", "middle", "family", "birth_date", "gender", "phone", "email", "grade")
SCHOOL = ("id", "name")
ENROLLMENT = ("begin", "end")
CONTACT = ("id", "given", "family", "relation", "authority", "restriction", "phone", "email")
NEEDED = {
    "student": ("id", "given", "family"),
    "school": ("id", "name"),
    "enrollment": (),
    "contact": ("id", "given", "family"),
}
WORDS = ("gender", "relation")
YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0", "")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What each column of a file is. `words` gives the codes of a source's own words, by element."""

    name: str
    district: str
    date_format: str
    student: Mapping[str, str]
    school: Mapping[str, str]
    enrollment: Mapping[str, str]
    contacts: Sequence[Mapping[str, str]]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """Every column that is read."""
        return [c for part in (self.student, self.school, self.enrollment, *self.contacts) for c in part.values()]


def load(path: Path) -> ColumnMap:
    """Read a mapping. Raises HallpassError with everything that is wrong with it."""
    try:
        held = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError):
        raise HallpassError(Kind.INVALID, f"There is no mapping file {path}.") from None
    except tomllib.TOMLDecodeError as e:
        raise HallpassError(Kind.INVALID, f"{path.name} is no TOML: {e}.") from None
    problems = list(_problems(held))
    if problems:
        raise HallpassError(Kind.INVALID, *(Issue(f"{path.name}: {p}") for p in problems))
    return ColumnMap(
        name=held["name"],
        district=held["district"],
        date_format=held.get("date_format", "%Y-%m-%d"),
        student=held["student"],
        school=held.get("school", {}),
        enrollment=held.get("enrollment", {}),
        contacts=held.get("contact", []),
        words={k: {str(a).lower(): str(b) for a, b in v.items()} for k, v in held.get("words", {}).items()},
    )


def _problems(held: Mapping[str, Any]) -> list[str]:
    known = {"name", "district", "date_format", "student", "school", "enrollment", "contact", "words"}
    found = [f"{k} is unknown. Use one of: {', '.join(sorted(known))}." for k in sorted(held.keys() - known)]
    for key in ("name", "district"):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", str(held.get(key, ""))):
            found.append(f'{key} is needed, of letters, digits, ".", "_" and "-".')
    parts: list[tuple[str, Any, tuple[str, ...]]] = [("student", held.get("student", {}), STUDENT)]
    parts += [("school", held["school"], SCHOOL)] if "school" in held else []
    parts += [("enrollment", held["enrollment"], ENROLLMENT)] if "enrollment" in held else []
    contacts = held.get("contact", [])
    parts += [("contact", c, CONTACT) for c in (contacts if isinstance(contacts, list) else [None])]
    for name, part, fields in parts:
        if not isinstance(part, dict) or not all(isinstance(v, str) for v in part.values()):
            found.append(f"{name} is a table of names and columns.")
            continue
        found += [f"{name}.{k} is unknown. Use one of: {', '.join(fields)}." for k in sorted(part.keys() - set(fields))]
        found += [f"{name}.{k} is needed." for k in NEEDED[name] if k not in part]
    found += [f"words.{k} is unknown." for k in sorted(set(held.get("words", {})) - set(WORDS))]
    return found
