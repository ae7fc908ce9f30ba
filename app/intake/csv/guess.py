"""A first mapping file for a CSV, by the names of its columns; a person checks it. No authority is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from app.intake.tables import read

Names: TypeAlias = dict[str, tuple[str, ...]]
"""Element -> names of columns, without blanks and case, the likeliest first."""
_STUDENT: Names = {
    "id": ("stateid", "statestudentnumber", "studentnumber", "studentuniqueid", "studentid", "id"),
    "given": ("firstname", "studentfirstname", "givenname", "first"),
    "middle": ("middlename", "middle"),
    "family": ("lastname", "studentlastname", "familyname", "surname", "last"),
    "birth_date": ("dob", "birthdate", "dateofbirth", "birthday"),
    "gender": ("gender", "sex"),
    "grade": ("grade", "gradelevel"),
    "phone": ("phone", "homephone", "studentphone"),
    "email": ("email", "studentemail"),
}
_SCHOOL: Names = {"id": ("schoolid", "schoolnumber"), "name": ("schoolname", "school")}
_ENROLLMENT: Names = {"begin": ("entrydate", "startdate", "begindate"), "end": ("exitdate", "enddate", "withdrawdate")}
_CONTACT: Names = {
    "id": ("id", "contactid", "number"),
    "given": ("firstname", "first", "givenname"),
    "family": ("lastname", "last", "familyname"),
    "relation": ("relationship", "relation", "type"),
    "phone": ("phone", "cell", "mobile"),
    "email": ("email",),
}
_CONTACTS = re.compile(r"(?:guardian|parent|contact|mother|father)(\d*)")


def guess(path: Path) -> str:
    """The text of a mapping for a CSV file. Raises HallpassError where it has no header."""
    with path.open("rb") as file:
        header = read(file, path.name, lambda _: None, lambda _: None).header
    plain = {column: re.sub(r"[^a-z0-9]", "", column.lower()) for column in header}
    lines = ['name = "sis"', 'district = "fill-in"', 'date_format = "%Y-%m-%d"', ""]
    own = {c: p for c, p in plain.items() if not _CONTACTS.match(p)}
    for name, wanted in (("student", _STUDENT), ("school", _SCHOOL), ("enrollment", _ENROLLMENT)):
        found = list(_found(own.items(), wanted))
        lines += [f"[{name}]", *(f"{k} = {_quoted(c)}" for k, c in found), ""] if found else []
    for prefix in dict.fromkeys(m[0] for p in plain.values() if (m := _CONTACTS.match(p))):
        parts = [(c, p.removeprefix(prefix)) for c, p in plain.items() if p.startswith(prefix)]
        found = list(_found(parts, _CONTACT))
        lines += ["[[contact]]", *(f"{k} = {_quoted(c)}" for k, c in found)]
        lines += ['# authority = "the column that says who may sign; without it nobody may"', ""]
    return "\n".join(lines)


def _found(columns: Iterable[tuple[str, str]], wanted: Names) -> Iterator[tuple[str, str]]:
    by_name = {plain: column for column, plain in columns}
    for element, names in wanted.items():
        column = next((by_name[n] for n in names if n in by_name), None)
        if column is not None:
            yield element, column


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
