"""OneRoster users as facts of a roster: Student and Contact. Pure.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv and https://hl7.org/fhir/us/core/STU6.1/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from app.intake.oneroster import columns
from app.intake.oneroster.rows import day, items
from app.intake.roster.codes import ETHNICITY, GRADE_LEVEL, RACE_AND_ETHNICITY, ROLE_CODE, us_core
from app.intake.roster.model import Contact, Finding, Origin, Post, Staff, Student
from app.intake.roster.resources import filled
from app.intake.roster.resources import role as role_of
from app.intake.roster.units import Json
from app.intake.roster.years import Span
from app.intake.tables import Row

Find = Callable[[Finding], None]
FIRST_BIRTH = "1900-01-02"
"""An earlier date of birth is what a system fills in where it has none."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The identifiers of a district's people and schools."""

    district: str

    def of(self, kind: str, value: str) -> Json:
        """An Identifier in the district's system of a kind."""
        return {"system": f"urn:oneroster:{self.district}:{kind}", "value": value}

    def school(self, id_: str) -> list[Json]:
        """The identifiers of a school."""
        return [self.of("school", id_)]

    def key(self, row: Row, id_: str, wanted: Sequence[str]) -> str:
        """The id by which the state or the district knows a person; the sourcedId where there is no other.

        `wanted` are types of userIds, best first.
        """
        pairs = [pair.strip("{}").partition(":") for pair in items(row.get("userIds", ""))]
        given = {kind.strip().lower(): value.strip() for kind, _, value in pairs if value.strip()}
        return next((given[kind] for kind in wanted if kind in given), row.get("identifier") or id_)


def student(key: str, origin: Origin, row: Row, demographics: Row, ids: Ids, find: Find, today: date) -> Student:
    """The fact of one user who is a student. What cannot be read of it is reported and left out."""
    return Student(
        key=key,
        origin=origin,
        identifiers=[ids.of("student", key), ids.of("sourcedId", row["sourcedId"])],
        names=names(row),
        birth_date=_birth_date(demographics, find, origin, today),
        gender=_gender(demographics, find, origin),
        telecom=telecom(row),
        extensions=_race(demographics, find, origin) + _ethnicity(demographics) + _grade(row, find, origin),
    )


def merged(found: list[Student], identifiers: list[Json], enrolled: bool | None) -> Student:
    """One child of several users: the races of all of them, else what the first says."""
    extensions = {e["url"]: e for one in reversed(found) for e in one.extensions}
    return replace(
        found[0], identifiers=identifiers, enrolled=enrolled, extensions=[extensions[url] for url in sorted(extensions)]
    )


def contact(student_key: str, origin: Origin, id_: str, row: Row, role: str, ids: Ids) -> Contact:
    """The fact of an agent of a student. OneRoster says nothing of legal authority: it has none until it is marked."""
    key = ids.key(row, id_, columns.CONTACT_IDS)
    code, display = columns.RELATION[role]
    return Contact(
        key=key,
        origin=origin,
        student=student_key,
        identifiers=[
            ids.of("student-contact", f"{student_key}/{quote(key, safe='')}"),
            ids.of("contact", key),
        ],
        names=names(row),
        relationship=[{"coding": [{"system": ROLE_CODE, "code": code, "display": display}], "text": role}],
        authority=False,
        telecom=telecom(row),
    )


def staff(key: str, origin: Origin, row: Row, ids: Ids) -> Staff:
    """The fact of one user on the staff. Of how to reach it only the e-mail is taken: a telephone may be its own."""
    mail = [{"system": "email", "value": row["email"], "use": "work"}] if row.get("email") else []
    return Staff(key, origin, [ids.of("staff", key), ids.of("sourcedId", row["sourcedId"])], names(row), mail)


def post(key: str, school: str, origin: Origin, roles: list[str], span: Span, ids: Ids, today: date) -> Post:
    """The fact of what somebody does at a school, or where that is empty at the district."""
    begin, end = span
    return Post(
        staff=key,
        school=school,
        origin=origin,
        identifiers=[ids.of("staff-role", f"{school}/{quote(key, safe='')}")],
        roles=[role_of(word) for word in sorted(set(roles))],
        active=end is None or end >= today.isoformat(),
        begin=begin,
        end=end,
    )


def names(row: Row) -> list[Json]:
    """The official name, and the usual one where a preferred name is given. Names are kept as they are."""
    middle = [row["middleName"]] if row.get("middleName") else []
    found: list[Json] = [{"use": "official", "family": row["familyName"], "given": [row["givenName"], *middle]}]
    given, family = row.get("preferredGivenName"), row.get("preferredFamilyName")
    if given or family:
        found.append({"use": "usual", "family": family or row["familyName"], "given": [given or row["givenName"]]})
    return found


def telecom(row: Row) -> list[Json]:
    """Telephone, text messages, e-mail."""
    kinds = (("phone", {"system": "phone"}), ("sms", {"system": "sms"}), ("email", {"system": "email"}))
    return [{**kind, "value": row[name]} for name, kind in kinds if row.get(name)]


def _birth_date(row: Row, find: Find, origin: Origin, today: date) -> str | None:
    text = row.get("birthDate")
    if not text:
        return None
    found = day(text)
    if found is None or not FIRST_BIRTH <= found <= today.isoformat():
        find(Finding(origin, "This is no date of birth (2014-11-13). It is left out.", "birthDate"))
        return None
    return found


def _gender(row: Row, find: Find, origin: Origin) -> str | None:
    text = row.get("sex")
    if not text:
        return None
    found = columns.SEX.get(text) or columns.SEX_FORMS.get(text.lower())
    if text not in columns.SEX:
        became = f"It is read as {found}." if found else "It is left out."
        find(Finding(origin, f"This is not male, female, other or unspecified. {became}", "sex"))
    return found


def _race(row: Row, find: Find, origin: Origin) -> list[Json]:
    races = [race for column, race in columns.RACES.items() if row.get(column, "").lower() == "true"]
    several = row.get("demographicRaceTwoOrMoreRaces", "").lower() == "true"
    if several and len(races) < 2:
        text = "It is true, and fewer than two races are. It is kept as it is."
        find(Finding(origin, text, "demographicRaceTwoOrMoreRaces"))
    for column in (*columns.RACES, "hispanicOrLatinoEthnicity"):
        if row.get(column, "false").lower() not in ("true", "false"):
            find(Finding(origin, "This is not true, false or empty. It is left out.", column))
    text = "; ".join([display for _, display in races] or (["Two or more races"] if several else []))
    return us_core("race", [(RACE_AND_ETHNICITY, *race) for race in races], text)


def _ethnicity(row: Row) -> list[Json]:
    said = {"true": True, "false": False}.get(row.get("hispanicOrLatinoEthnicity", "").lower())
    return [] if said is None else us_core("ethnicity", [ETHNICITY[said]], ETHNICITY[said][2])


def _grade(row: Row, find: Find, origin: Origin) -> list[Json]:
    """The grade, where there is one: the first of the list."""
    given = items(row.get("grades", ""))
    if not given:
        return []
    text = given[0].upper()
    code = {"K": "KG"}.get(text, text.zfill(2) if text.isdecimal() else text)
    if code not in columns.GRADES:
        find(Finding(origin, "This is no CEDS grade (KG, 01 to 13). It is left out.", "grades"))
        return []
    concept = {"coding": [filled(system=columns.GRADE_SYSTEM, code=code)], "text": code}
    return [{"url": GRADE_LEVEL, "valueCodeableConcept": concept}]
