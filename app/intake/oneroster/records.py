"""A record of a OneRoster service as the row that the CSV binding would have. Pure.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/rest and https://www.imsglobal.org/oneroster-v11-final-specification

What is not named here goes nowhere. A value of another kind than the binding has is a fault, and never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.intake.oneroster.columns import COMMON, RACES
from app.intake.oneroster.rows import Fault
from app.intake.tables import Row

Record: TypeAlias = dict[str, Any]

NOT_TEXT = "This is not the kind of value that OneRoster has here: a text."
NOT_LIST = "This is not the kind of value that OneRoster has here: a list of objects or texts."
COMMA = "This id has a comma or a NUL in it. It cannot be told from two ids."

_TEXTS: dict[str, tuple[str, ...]] = {
    "orgs": ("name", "type", "identifier"),
    "academicSessions": ("title", "type", "startDate", "endDate"),
    "users": ("enabledUser", "givenName", "familyName", "middleName", "identifier", "email", "sms", "phone", "role"),
    "demographics": ("birthDate", "sex", *RACES, "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity"),
    "enrollments": ("role", "beginDate", "endDate"),
}
"""Collection -> elements that are texts, called as in the CSV."""
_CALLED = {"preferredFirstName": "preferredGivenName", "preferredLastName": "preferredFamilyName"}
_REFERENCES: dict[str, dict[str, str]] = {
    "enrollments": {"user": "userSourcedId", "school": "schoolSourcedId", "class": "classSourcedId"},
    "orgs": {"parent": "parentSourcedId"},
}
_LISTS = {"agents": "agentSourcedIds", "orgs": "orgSourcedIds", "grades": "grades"}
COLLECTIONS = tuple(_TEXTS)


@dataclass(slots=True)
class Read:
    """The row of a record, the rows of its roles, and what is wrong with it."""

    row: Row
    roles: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def text(self, value: Any, column: str) -> str:
        """A value as text; any other kind is a fault."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if not isinstance(value, str):
            self.faults.append((column, NOT_TEXT))
            return ""
        if "\0" in value:
            self.faults.append((column, "This text has a NUL in it, which is no text."))
        return " ".join(value.split("\n")).strip()

    def id(self, value: Any, column: str) -> str:
        """The id that a reference holds, or that an item of a list is."""
        found = self.text(value.get("sourcedId") if isinstance(value, dict) else value, column)
        if "," in found:
            self.faults.append((column, COMMA))
        return found

    def items(self, value: Any, column: str) -> list[Any]:
        """The items of a list; none where it is absent."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.faults.append((column, NOT_LIST))
            return []
        return value


def row_of(collection: str, record: Any) -> Read:
    """A record as a row. Where it is no object at all, its row is empty and that is the fault."""
    if not isinstance(record, dict):
        return Read({}, faults=[("", "This is no record: a JSON object is expected.")])
    read = Read({})
    row = read.row
    for name in (*COMMON, *_TEXTS[collection]):
        row[name] = read.text(record.get(name), name)
    for name, column in _REFERENCES.get(collection, {}).items():
        row[column] = read.id(record.get(name), column)
    if collection == "users":
        _user(read, record)
    read.row = {k: v for k, v in row.items() if v}
    read.row.setdefault("sourcedId", "")
    return read


def _user(read: Read, record: Record) -> None:
    row = read.row
    for name, column in _CALLED.items():
        row[column] = read.text(record.get(name), name)
    for name, column in _LISTS.items():
        row[column] = ",".join(filter(None, (read.id(i, column) for i in read.items(record.get(name), column))))
    row["userIds"] = ",".join(_user_id(read, i) for i in read.items(record.get("userIds"), "userIds"))
    if record.get("password"):
        row["password"] = "given"  # noqa: S105 - that there was one is warned of; it is not read
    for n, role in enumerate(read.items(record.get("roles"), "roles"), 1):
        held = role if isinstance(role, dict) else {}
        read.roles.append(
            {
                "sourcedId": f"{row['sourcedId']}#{n}",
                "userSourcedId": row["sourcedId"],
                "status": "active",
                "dateLastModified": row["dateLastModified"],
                "roleType": read.text(held.get("roleType"), "roles"),
                "role": read.text(held.get("role"), "roles"),
                "orgSourcedId": read.id(held.get("org"), "roles"),
                "beginDate": read.text(held.get("beginDate"), "roles"),
                "endDate": read.text(held.get("endDate"), "roles"),
            }
        )


def _user_id(read: Read, item: Any) -> str:
    held = item if isinstance(item, dict) else {}
    kind, value = read.text(held.get("type"), "userIds"), read.text(held.get("identifier"), "userIds")
    if "," in kind + value:
        read.faults.append(("userIds", COMMA))
    return f"{{{kind}:{value}}}"
